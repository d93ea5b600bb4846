from __future__ import annotations

from nightbook.records import RunKind
from nightbook.runs.facts import NewRun, new_run_id


def test_run_ids_are_short_hexadecimal_and_never_the_same() -> None:
    drawn = {new_run_id() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(len(run_id) == 16 and int(run_id, 16) >= 0 for run_id in drawn)


def test_every_new_run_has_its_own_id_and_knows_its_host() -> None:
    one, other = NewRun(kind=RunKind.STAGE), NewRun(kind=RunKind.STAGE)
    assert one.run_id != other.run_id
    assert one.host
