from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.events import EventKind, EventLog, EventReader

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_events_are_read_in_order_each_once(path: Path) -> None:
    reader = EventReader(path)
    assert reader.read() == []
    log = EventLog(path)
    log.append(EventKind.CELL_STARTED, position=3)
    (started,) = reader.read()
    assert (started.kind, started.position) == (EventKind.CELL_STARTED, 3)
    log.append(EventKind.ENDED, metadata={})
    (ended,) = reader.read()
    assert (ended.kind, ended.position) == (EventKind.ENDED, -1)
    assert ended.at >= started.at
    assert len(EventReader.all_of(path)) == 2
    log.close()


def test_a_line_that_is_still_being_written_is_read_when_it_is_whole(path: Path) -> None:
    reader = EventReader(path)
    path.write_bytes(b'{"event": "output", "at": 1, "line": "\xc3')
    assert reader.read() == []
    with path.open("ab") as stream:
        stream.write(b'\xa4"}\n')
    assert reader.read()[0].fields == {"line": "ä"}


def test_a_line_torn_by_a_kill_costs_no_other_event(path: Path) -> None:
    path.write_bytes(b'{"event": "output", "at": 1, "li\n[]\nnonsense\n{"event": "unheard", "at": 1}\n')
    log = EventLog(path)
    log.append(EventKind.KERNEL_DIED, returncode=-9)
    log.close()
    assert [event.kind for event in EventReader.all_of(path)] == [EventKind.KERNEL_DIED]


def test_after_a_full_disk_the_next_event_begins_a_line_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(path)
    write = os.write

    def write_on_a_full_disk(descriptor: int, payload: memoryview) -> int:
        if len(payload) > 20:
            return write(descriptor, payload[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            log.append(EventKind.FAULT, message="x" * 20)
    log.append(EventKind.STOPPING, reason="cancelled")
    log.close()
    assert [event.kind for event in EventReader.all_of(path)] == [EventKind.STOPPING]


def test_what_is_no_strict_json_is_refused(path: Path) -> None:
    log = EventLog(path)
    with pytest.raises(ValueError, match="JSON"):
        log.append(EventKind.LOGGED, payload=float("nan"))
    log.close()
    assert path.read_bytes() == b""


def test_only_the_owner_may_read_events(path: Path) -> None:
    EventLog(path).close()
    assert path.stat().st_mode & 0o077 == 0
