from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.checkpoints import (
    NONE,
    Checkpoint,
    Checkpoints,
    Refusal,
    Resumed,
    checkpoints_of,
    least_useful,
    leave_checkpoints,
    read_checkpoints,
    state_of,
    with_origins,
)
from nightbook.runs.events import Event, EventKind, EventLog
from nightbook.runs.request import CHECKPOINTS, EVENTS, Unfinished

if TYPE_CHECKING:
    from pathlib import Path

ONE = Checkpoint(key="k1", position=1, cell=1, made_at=5.0, saves_seconds=3.0, place="p")
TWO = replace(ONE, key="k2", position=2, cell=2, saves_seconds=1.0)
THREE = replace(ONE, key="k3", position=3, cell=3, saves_seconds=0.1)
SAID = {"position": 1, "cell": 1, "saves_seconds": 3.0, "place": "p", "modules": {}, "outputs": {}}
EVENTS_OF_A_RUN = (
    Event(kind=EventKind.RESUMED, at=4.0, fields={"run_id": "b", "label": "t #1", "cell": 1, "reason": "why"}),
    Event(kind=EventKind.CHECKPOINT, at=5.0, fields={"key": "k1", **SAID}),
    Event(kind=EventKind.CELL_STARTED, at=6.0, fields={"position": 1}),
    Event(kind=EventKind.NO_CHECKPOINT, at=7.0, fields={"cell": 2, "reason": "a thread lives"}),
    Event(kind=EventKind.NO_CHECKPOINT, at=7.0, fields={"cell": 2, "reason": "a thread lives"}),
    Event(kind=EventKind.CHECKPOINT_ENDED, at=8.0, fields={"key": "k1", "reason": "too much"}),
)
KNOWN = Checkpoints(
    made=(replace(ONE, ended="too much"),),
    refused=(Refusal(cell=2, reason="a thread lives"),),
    resumed=Resumed(run_id="b", label="t #1", cell=1, reason="why"),
)


def test_the_events_tell_all_that_the_folder_does(tmp_path: Path) -> None:
    assert checkpoints_of(EVENTS_OF_A_RUN) == KNOWN
    assert checkpoints_of(EVENTS_OF_A_RUN[:2]).left == (ONE,)
    assert KNOWN.left == ()
    KNOWN.write(tmp_path)
    assert read_checkpoints(tmp_path) == KNOWN


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"made": [{}], "refused": [], "resumed": null}'])
def test_a_folder_that_tells_nothing_tells_of_none(tmp_path: Path, content: str) -> None:
    assert read_checkpoints(tmp_path) == NONE
    (tmp_path / CHECKPOINTS).write_text(content)
    assert read_checkpoints(tmp_path) == NONE


def test_what_a_killed_supervisor_did_not_write_is_taken_from_the_events(tmp_path: Path) -> None:
    leave_checkpoints(tmp_path)
    assert not (tmp_path / CHECKPOINTS).exists()
    log = EventLog(tmp_path / EVENTS)
    for event in EVENTS_OF_A_RUN:
        log.append(event.kind, at=event.at, **event.fields)
    log.close()
    leave_checkpoints(tmp_path)
    assert read_checkpoints(tmp_path) == KNOWN


def test_the_least_useful_saves_the_least_and_the_last_one_goes_last() -> None:
    assert least_useful((ONE, TWO, THREE)) is TWO
    assert least_useful((ONE, THREE)) is ONE
    assert least_useful((THREE,)) is THREE


def test_a_run_that_went_on_from_another_leads_to_it_and_never_in_circles(tmp_path: Path) -> None:
    for name, before in {"c": "b", "b": "a", "a": "c"}.items():
        (tmp_path / name).mkdir()
        resumed = Resumed(run_id=before, label=f"t {before}", cell=0, reason="why")
        Checkpoints(resumed=resumed).write(tmp_path / name)
    first = Unfinished(run_id="c", label="t c", folder=str(tmp_path / "c"))
    assert [one.run_id for one in with_origins(first)] == ["c", "b", "a"]
    Checkpoints(resumed=Resumed(run_id="", label="", cell=None, reason="from the start")).write(tmp_path / "b")
    assert [one.run_id for one in with_origins(first)] == ["c", "b"]


def test_the_state_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    assert state_of(folder) == ""
    (folder / "below").mkdir(parents=True)
    before = state_of(folder)
    (folder / "below" / "file").write_text("1")
    assert state_of(folder) != before
    assert state_of(folder / "below" / "file") != ""
