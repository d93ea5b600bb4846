from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from nightbook.runs.liveness import SupervisorProcess, Watch, forsaken_runs, process_started_at

HERE = SupervisorProcess.this()
ELSEWHERE = replace(HERE, pid_space="another boot")


def watch(run_id: str, silence_seconds: float = 0.0, waits_in: str | None = None) -> Watch:
    return Watch(run_id=run_id, waits_in=waits_in, process=HERE, silence_seconds=silence_seconds)


def test_this_process_is_alive() -> None:
    assert HERE.is_in_sight()
    assert not HERE.is_gone()


def test_a_process_that_ended_is_gone_even_before_its_parent_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = process_started_at(child.pid)
    assert began is not None
    supervisor = replace(HERE, pid=child.pid, pid_started_at=began)
    assert not supervisor.is_gone()
    child.kill()
    # It is a zombie until someone waits for it.
    while process_started_at(child.pid) is not None:
        pass
    assert supervisor.is_gone()
    child.communicate()
    assert supervisor.is_gone()


def test_a_later_process_with_the_same_id_is_not_the_supervisor() -> None:
    assert replace(HERE, pid_started_at=HERE.pid_started_at + 1).is_gone()


def test_the_process_ids_of_another_machine_or_container_are_not_looked_up() -> None:
    assert not replace(ELSEWHERE, pid=2**22 + 1).is_gone()


@pytest.mark.parametrize(
    ("watches", "expected"),
    [
        ([watch("a", 29.0)], ()),
        ([watch("a", 31.0)], ("a",)),
        ([watch("p"), watch("a", 3600.0, waits_in="p")], ()),
        ([watch("p", 31.0), watch("a", 0.0, waits_in="p")], ("p", "a")),
        ([watch("a", 0.0, waits_in="ended")], ("a",)),
        ([watch("s", 31.0), watch("p", 0.0, waits_in="s"), watch("a", 0.0, waits_in="p")], ("s", "p", "a")),
    ],
    ids=["heard", "silent", "waiting", "parent silent", "parent ended", "grandparent silent"],
)
def test_runs_that_nobody_looks_after_are_named(watches: list[Watch], expected: tuple[str, ...]) -> None:
    assert forsaken_runs(watches, lost_after_seconds=30) == expected
