from __future__ import annotations

from nightbook.records import RunKind
from nightbook.runs.facts import NewRun
from nightbook.runs.sockets import remove_sockets, socket_folder


def test_a_runs_sockets_are_its_own_and_leave_nothing_behind() -> None:
    one, other = (NewRun(kind=RunKind.STAGE).run_id for _ in range(2))
    assert socket_folder(one) != socket_folder(other)
    socket_folder(one).mkdir()
    (socket_folder(one) / "kernel-1").touch()
    for _ in range(2):
        remove_sockets(one)
        assert not socket_folder(one).exists()
