"""A notebook client that has its kernel leave checkpoints: forks of itself, from which another run can go on."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from nightbook.errors import StorageError
from nightbook.files import file_state
from nightbook.runs.checkpoint_sockets import checkpoint_key, checkpoint_place
from nightbook.runs.checkpoints import Checkpoint, state_of
from nightbook.runs.events import EventKind
from nightbook.runs.shared_cells import index_of
from nightbook.runs.sharing_client import BranchClient
from nightbook.runs.warm.frames import CHECKPOINT
from nightbook.runs.warm.keeper import KEEP
from nightbook.runs.warm.places import KERNEL, place_of, secret_variables

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nightbook.runs.request import Checkpointing


class Answer(NamedTuple):
    """Why a kernel left no checkpoint, empty when it did, and which files of the project's modules it has loaded."""

    reason: str
    modules: tuple[str, ...]


class CheckpointingClient(BranchClient):
    """Has a checkpoint left before a cell when those since the last one took long."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of its base class
        super().__init__(*arguments, **options)
        self._seconds = 0.0
        paths = [one.path for one in self._journal.request.outputs if one.path]
        taken = self._taken.written if self._taken is not None else ()
        # What was written by cells that another run executed is theirs and ours.
        self._states = {path: "" if path in taken else state_of(Path(path)) for path in paths}

    def _execute(self, cell: NotebookNode, position: int) -> bool:
        wishes = self._journal.request.checkpointing
        if wishes is not None and self._seconds and self._seconds >= wishes.after_seconds:
            self._leave_checkpoint(index_of(cell), position, wishes)
        started = time.monotonic()
        try:
            return super()._execute(cell, position)
        finally:
            self._seconds += time.monotonic() - started

    def _leave_checkpoint(self, cell: int | None, position: int, wishes: Checkpointing) -> None:
        request = self._journal.request
        key = checkpoint_key(request.run_id, position)
        try:
            place = checkpoint_place(key).socket
            answer = self._ask(place, time.time() + wishes.keep_seconds)
            secrets = secret_variables(request.secrets)
            parent = place_of(KERNEL, os.environ, root=request.root, secrets=secrets).circumstances
        except StorageError as error:
            answer, parent = Answer(error.message, ()), ""
        if answer.reason:
            self._journal.tell(EventKind.NO_CHECKPOINT, cell=cell, reason=answer.reason)
            return
        assert self._forked is not None  # noqa: S101 - only a kernel of ours answers
        with suppress(OSError):  # its end is noticed where it matters
            self._forked.keeper.sendall(KEEP)
        left = Checkpoint(
            key=key,
            position=position,
            cell=cell,
            made_at=0.0,
            saves_seconds=self._seconds,
            place=parent,
            modules={file: file_state(Path(file)) for file in answer.modules},
            outputs=self._written(),
        )
        fields = asdict(left)
        del fields["made_at"], fields["ended"]
        self._journal.tell(EventKind.CHECKPOINT, **fields)
        self._seconds = 0.0

    def _ask(self, place: Path, until: float) -> Answer:
        root = Path(self._journal.request.root)
        known = [str((root / uri).resolve()) for uri in self._journal.request.modules]
        wishes = {"socket": str(place), "until": until, "root": str(root), "known": known}
        said = cast("Any", self.kc).ask(CHECKPOINT, wishes)
        try:
            words = json.loads(said)
            return Answer(str(words["reason"]), tuple(map(str, words["modules"])))
        except (ValueError, KeyError, TypeError):
            # A kernel in which a cell is at work otherwise, or that is gone: what comes next shows it.
            return Answer("the kernel did not answer", ())

    def _written(self) -> dict[str, str]:
        """The state of each declared output that the cells so far have written."""
        states = {path: state_of(Path(path)) for path in self._states}
        return {path: state for path, state in states.items() if state not in {"", self._states[path]}}
