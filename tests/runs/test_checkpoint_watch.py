from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightbook.runs import checkpoint_watch
from nightbook.runs.checkpoint_sockets import checkpoint_place
from nightbook.runs.checkpoint_watch import CheckpointWatch
from nightbook.runs.checkpoints import read_checkpoints
from nightbook.runs.events import Event, EventKind, EventLog, EventReader
from nightbook.runs.request import EVENTS, Checkpointing, ExecutionRequest

if TYPE_CHECKING:
    from tests.warmth import WarmFolder


@pytest.fixture
def request_of_a_run(tmp_path: Path, warm: WarmFolder) -> ExecutionRequest:
    assert warm.path.is_dir()
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    own = {"run_id": "r", "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    wishes = Checkpointing(after_seconds=1, keep_seconds=3600, memory_bytes=100)
    return ExecutionRequest(**known, **own, checkpointing=wishes)  # type: ignore[arg-type]  # of the fields' own types


@pytest.fixture
def watch(request_of_a_run: ExecutionRequest) -> CheckpointWatch:
    return CheckpointWatch(request_of_a_run, EventLog(Path(request_of_a_run.folder) / EVENTS))


def left(key: str, saves_seconds: float) -> Event:
    """A checkpoint was left; a file stands for its socket."""
    checkpoint_place(key).socket.touch()
    fields = {"key": key, "position": 1, "cell": 1, "saves_seconds": saves_seconds, "place": "p"}
    return Event(kind=EventKind.CHECKPOINT, at=1.0, fields=fields)


def test_what_happened_is_written_down_and_nothing_when_nothing_did(watch: CheckpointWatch, tmp_path: Path) -> None:
    watch.note(Event(kind=EventKind.CELL_STARTED, at=1.0, fields={"position": 0}))
    watch.look(time.time())
    assert not list(tmp_path.glob("checkpoints.json"))
    watch.note(left("a", 1.0))
    assert [one.key for one in read_checkpoints(tmp_path).made] == ["a"]


def test_their_time_is_put_off_as_long_as_the_run_is_watched(watch: CheckpointWatch) -> None:
    watch.note(left("a", 1.0))
    now = time.time()
    watch.look(now)
    assert checkpoint_place("a").socket.stat().st_mtime == pytest.approx(now + 3600, abs=1)


def test_those_beyond_the_bound_are_ended_the_least_useful_first_and_each_end_is_told(
    watch: CheckpointWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_watch, "memory_held", lambda place: 40 if place.exists() else 0)
    for key, saves_seconds in (("a", 5.0), ("b", 1.0), ("c", 0.1)):
        watch.note(left(key, saves_seconds))
    watch.end()
    assert [one.key for one in watch.known.left] == ["a", "c"]
    assert not checkpoint_place("b").socket.exists()
    (told,) = EventReader.all_of(tmp_path / EVENTS)
    assert told.fields == {"key": "b", "reason": "checkpoints held 120 B, more than 100 B"}
    assert read_checkpoints(tmp_path).made[1].ended == told.fields["reason"]


def test_a_run_that_succeeded_needs_none(watch: CheckpointWatch) -> None:
    watch.note(left("a", 1.0))
    watch.end_all()
    assert watch.known.left == ()
    assert not checkpoint_place("a").socket.exists()
