"""Reports and MLflow, in a process beside the runs: what is heavy to load is loaded while a notebook already works.

Nothing that happens here can change a run, delay it by more than a second, or make it fail.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nightbook.files import write_atomically
from nightbook.runs.warm.places import PUBLISHER
from nightbook.runs.warm.process import WarmProcess

if TYPE_CHECKING:
    from types import TracebackType

    from nightbook.settings import Settings


class Publisher:
    """The client's end: a child process that is told which runs have changed.

    Leaving the `with` block waits until all reports are written and MLflow has what it can be given.
    """

    def __init__(self, settings: Settings) -> None:
        self._log = settings.state / "publisher.log"
        write_atomically(self._log, b"")
        with self._log.open("ab") as log:
            told, self._told = os.pipe()
            self._answer, answer = os.pipe()
            self._process = WarmProcess(
                PUBLISHER,
                ("nightbook.runs.publish", str(settings.root), settings.publish),
                descriptors=(told, answer, log.fileno()),
                working_directory=str(Path.cwd()),
                idle_seconds=settings.warm_idle_seconds,
            )
            os.close(told)
            os.close(answer)
        self._is_closed = False
        self.owed = ""

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """The child ended before it was asked to."""
        return self._process.poll()

    def changed(self, run_id: str) -> None:
        """A run was made, started or ended; what follows from it is the child's to find out."""
        with suppress(OSError):
            os.write(self._told, f"{run_id}\n".encode())

    def close(self) -> str:
        """Wait for what can be published; returns why something is still owed, empty when nothing is."""
        os.close(self._told)
        # Until there is a process, the end to which it shall answer is still ours: the pipe would never end.
        self._process.await_begin()
        with os.fdopen(self._answer, "rb") as stream:
            answer = stream.read()
        self._process.leave()
        self._is_closed = True
        try:
            self.owed = str(json.loads(answer)["owed"])
        except (ValueError, KeyError):
            self.owed = f"the publishing process ended early (see {self._log})"
        return self.owed

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do not leave the child behind, whatever happened."""
        if not self._is_closed:
            self.close()
