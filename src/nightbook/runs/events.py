"""What happened in a run, one JSON line an event, on disk before anything else learns of it.

The runner appends, the supervisor judges by it, the terminal follows it. A line that a kill tore in two is left out.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)


class EventKind(StrEnum):
    """What an event tells; `position` is the cell's place in the executed notebook."""

    PREPARED = "prepared"
    """The parameterised notebook is on disk: `cells`, how many code cells it has."""
    KERNEL_STARTED = "kernel_started"
    """`pid` of the kernel, as the runner sees it."""
    KERNEL_READY = "kernel_ready"
    """`language_info`, as the kernel tells it."""
    CELL_STARTED = "cell_started"
    """`position`; `shared` when another process ran it, some time ago."""
    OUTPUT = "output"
    """`position`, `line`: the last line printed so far, at most some times a second."""
    OUTPUTS = "outputs"
    """`position`, `outputs`: what the cell shows now, in place of what it showed before."""
    OUTPUTS_CHANGED = "outputs_changed"
    """`position`, `count`, `changes`: what is new, while the cell runs: see `nightbook.runs.changes.Change`."""
    CELL_ENDED = "cell_ended"
    """`position`, `status`, `outputs`, `execution_count`, `duration_seconds`; `shared` when another process ran it."""
    LOGGED = "logged"
    """`payload` of `application/vnd.nightbook.v1+json`."""
    EXITED_EARLY = "exited_early"
    """`position`, `reason`: the notebook ended itself, successfully."""
    KERNEL_DIED = "kernel_died"
    """`returncode` of the kernel's process, None when unknown."""
    FAULT = "fault"
    """`message`: the machinery failed, not a cell."""
    CHECKPOINT = "checkpoint"
    """A fork of the kernel was left: see `nightbook.runs.checkpoints.Checkpoint`."""
    NO_CHECKPOINT = "no_checkpoint"
    """`cell` before which none could be left, None for any, and the `reason`."""
    CHECKPOINT_ENDED = "checkpoint_ended"
    """`key`, and the `reason` why it was ended."""
    RESUMED = "resumed"
    """Where the run began: see `nightbook.runs.checkpoints.Resumed`."""
    ENDED = "ended"
    """Every cell was served: `metadata` of the notebook (language, widgets)."""
    STOPPING = "stopping"
    """The supervisor ends the run: `reason`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of `events.jsonl`; `at` is in seconds since the epoch."""

    kind: EventKind
    at: float
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """The cell it belongs to; -1 for the whole notebook."""
        position = self.fields.get("position")
        return position if isinstance(position, int) else -1


class EventLog:
    """Appends events; each is one `write`, so that readers never see half of two."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, _APPEND, 0o600)
        self._is_torn = False

    def append(self, kind: EventKind, *, at: float | None = None, **fields: object) -> None:
        """Write one event, of now or of an earlier time.

        Raises:
            OSError: The disk is full or gone.
        """
        line = json.dumps({"event": kind.value, "at": at or time.time(), **fields}, allow_nan=False)
        # Where a full disk took half of an event, the next one begins a line of its own.
        payload = memoryview(b"\n" * self._is_torn + line.encode() + b"\n")
        self._is_torn = True
        while payload:
            payload = payload[os.write(self._descriptor, payload) :]
        self._is_torn = False

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)


class EventReader:
    """Follows an event file from where it last stopped; a new file in its place is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = self._file = 0

    def read(self) -> list[Event]:
        """Events that came since the last call; none when the file is not there yet."""
        try:
            with self._path.open("rb") as stream:
                file = os.fstat(stream.fileno()).st_ino
                if file != self._file:
                    self._offset, self._file = 0, file
                stream.seek(self._offset)
                chunk = stream.read()
        except FileNotFoundError:
            return []
        complete = chunk[: chunk.rfind(b"\n") + 1]
        self._offset += len(complete)
        return [event for line in complete.splitlines() if (event := _parse(line)) is not None]

    @classmethod
    def all_of(cls, path: Path) -> list[Event]:
        """Every whole event of a file."""
        return cls(path).read()


def _parse(line: bytes) -> Event | None:
    try:
        fields = json.loads(line)
        return Event(kind=EventKind(fields.pop("event")), at=float(fields.pop("at")), fields=fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
