"""Says from a thread of its own that a run is looked after, whatever its supervisor is busy with."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from nightbook.errors import LedgerError, StorageError

if TYPE_CHECKING:
    from types import TracebackType

    from nightbook.runs.ledger import Ledger


class Heartbeat:
    """Beats until it is stopped; hashing a large output, or waiting for another command, is no silence.

    A process that is stopped or hangs as a whole falls silent, and so it should.

    Args:
        ledger: Threads may share it.
        run_id: The run.
        seconds: Between two beats.
    """

    def __init__(self, ledger: Ledger, run_id: str, *, seconds: float) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._seconds = seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"heartbeat of {run_id}")
        self._thread.start()

    def stop(self) -> None:
        """Return when it beats no more; a second time does nothing."""
        self._is_over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._is_over.wait(self._seconds):
            with suppress(LedgerError, StorageError):  # away for a while, or its disk is full: the run goes on
                self._ledger.beat(self._run_id)

    def __enter__(self) -> Self:
        """Use as a context manager that stops."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self.stop()
