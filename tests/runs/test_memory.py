from __future__ import annotations

import psutil

from nightbook.runs.memory import count_memory_kills, memory_of, peak_memory_of, proportional_memory_of


def test_memory_is_that_of_the_processes_and_those_that_are_gone_count_nothing() -> None:
    me = psutil.Process()
    gone = psutil.Popen(["true"])
    gone.wait()
    resident = memory_of([me, gone])
    assert resident > 1_000_000
    assert 0 < proportional_memory_of([me, gone]) <= resident * 1.5
    assert memory_of([gone]) == proportional_memory_of([gone]) == peak_memory_of([gone]) == 0


def test_the_peak_stays_when_the_memory_is_given_back() -> None:
    me = psutil.Process()
    held = bytearray(50_000_000)
    for place in range(0, len(held), 4096):
        held[place] = 1
    with_it = memory_of([me])
    del held
    assert peak_memory_of([me]) >= with_it * 0.9


def test_kills_for_memory_are_counted_and_never_fewer() -> None:
    before = count_memory_kills()
    assert count_memory_kills() >= before >= 0
