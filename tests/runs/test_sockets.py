from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.records import RunKind
from nightbook.runs.facts import NewRun
from nightbook.runs.sockets import remove_sockets, remove_trunk_sockets, socket_folder, trunk_place

if TYPE_CHECKING:
    from tests.warmth import WarmFolder


def test_a_runs_sockets_are_its_own_and_leave_nothing_behind() -> None:
    one, other = (NewRun(kind=RunKind.STAGE).run_id for _ in range(2))
    assert socket_folder(one) != socket_folder(other)
    socket_folder(one).mkdir()
    (socket_folder(one) / "kernel-1").touch()
    for _ in range(2):
        remove_sockets(one)
        assert not socket_folder(one).exists()


def test_what_a_sweeps_sets_share_listens_apart_for_each_stage_and_is_removed_for_all(warm: WarmFolder) -> None:
    one, other, foreign = trunk_place("sweep", "fit"), trunk_place("sweep", "check"), trunk_place("other", "fit")
    assert one.folder == warm.path
    for place in (one, other, foreign):
        place.socket.touch(exist_ok=False)
    remove_trunk_sockets("sweep")
    assert sorted(warm.path.glob("*.sock")) == [foreign.socket]
