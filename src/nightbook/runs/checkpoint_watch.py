"""A supervisor's eye on its run's checkpoints: they are written down, and bounded in time and memory."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.numbers import format_bytes
from nightbook.runs.checkpoint_sockets import (
    checkpoint_place,
    end_checkpoint,
    end_checkpoints_of,
    lengthen,
    memory_held,
)
from nightbook.runs.checkpoints import NONE, least_useful, with_origins
from nightbook.runs.events import Event, EventKind, EventLog

if TYPE_CHECKING:
    from nightbook.runs.checkpoints import Checkpoint
    from nightbook.runs.request import ExecutionRequest

LOOK_SECONDS = 5.0


class CheckpointWatch:
    """Follows the events that tell of checkpoints.

    Args:
        request: The run's.
        events: Where it tells which checkpoints it ends.
    """

    def __init__(self, request: ExecutionRequest, events: EventLog) -> None:
        self._folder = Path(request.folder)
        self._wishes, self._resumes = request.checkpointing, request.resumes
        self._events = events
        self._next_look = 0.0
        self.known = NONE

    def note(self, event: Event) -> None:
        """Take in what happened."""
        known = self.known.after(event)
        if known is not self.known:
            self.known = known
            self._next_look = 0.0
            with suppress(StorageError):  # whether a full disk matters will show elsewhere
                known.write(self._folder)

    def look(self, now: float) -> None:
        """Now and then, measure them; their time begins with the end of the run, so it is put off until then."""
        if self._wishes is None or not self.known.left or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        with suppress(StorageError, OSError):  # whatever became of their folder, the run goes on
            for one in self.known.left:
                lengthen(checkpoint_place(one.key).socket, now + self._wishes.keep_seconds)
            self._bound(self._wishes.memory_bytes)

    def end(self) -> None:
        """The last look: what they had in common with the kernel is now theirs alone."""
        self._next_look = 0.0
        self.look(time.time())

    def end_all(self) -> None:
        """The run has succeeded."""
        with suppress(StorageError, OSError):  # as above
            for one in self.known.left:
                self._end(one, "the run succeeded")
            if self._resumes is not None:
                for origin in with_origins(self._resumes):
                    end_checkpoints_of(origin.run_id)

    def _bound(self, most_bytes: int) -> None:
        held = {one.key: memory_held(checkpoint_place(one.key).socket) for one in self.known.left}
        while sum(held.values()) > most_bytes:
            one = least_useful(self.known.left)
            self._end(one, f"checkpoints held {format_bytes(sum(held.values()))}, more than {format_bytes(most_bytes)}")
            del held[one.key]

    def _end(self, one: Checkpoint, reason: str) -> None:
        end_checkpoint(checkpoint_place(one.key).socket)
        said = {"key": one.key, "reason": reason}
        self.note(Event(kind=EventKind.CHECKPOINT_ENDED, at=time.time(), fields=said))
        with suppress(OSError):
            self._events.append(EventKind.CHECKPOINT_ENDED, key=one.key, reason=reason)
