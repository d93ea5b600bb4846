"""Reports and MLflow, in a process beside the runs: what is heavy to load is loaded while a notebook already works.

Nothing that happens here can change a run, delay it by more than a second, or make it fail.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from nightbook.files import write_atomically
from nightbook.runs.process import command_for

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
            self._process = subprocess.Popen(
                command_for("nightbook.runs.publish", str(settings.root)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.owed = ""

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """The child ended before it was asked to."""
        return self._process.poll() is not None

    def changed(self, run_id: str) -> None:
        """A run was made, started or ended; what follows from it is the child's to find out."""
        assert self._process.stdin is not None  # noqa: S101 - Popen was given a pipe
        with suppress(OSError):
            self._process.stdin.write(f"{run_id}\n".encode())
            self._process.stdin.flush()

    def close(self) -> str:
        """Wait for what can be published; returns why something is still owed, empty when nothing is."""
        answer, _ = self._process.communicate()
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
        if self._process.returncode is None:
            self._process.communicate()
