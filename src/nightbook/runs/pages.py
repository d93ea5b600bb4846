"""The pages of ended runs, written beside the publisher: what renders them is loaded while MLflow is.

A fork of the publisher, made before it has threads, open files or much in memory; it ends with the publisher.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from multiprocessing import Pipe, get_context
from threading import Lock
from typing import TYPE_CHECKING

from nightbook.runs.containment import end_with_parent
from nightbook.runs.ledger import Ledger

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from nightbook.settings import Settings


class Pages:
    """Where the pages of a project's ended runs are written.

    Args:
        settings: The project.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._writer, other_end = Pipe()
        # Where a fork is not safe nobody is at the other end, and pages are written in the publisher itself.
        if sys.platform.startswith("linux"):
            ends = (other_end, self._writer)
            get_context("fork").Process(target=_write_pages, args=(settings, *ends, os.getpid()), daemon=True).start()
        other_end.close()

    def begin(self, run_id: str) -> None:
        """Have the page written, should the run have ended, without waiting for it."""
        self._ask(run_id, is_waited_for=False)

    def ensure(self, run_id: str, ledger: Ledger) -> None:
        """Write the page of an ended run unless it is there or the run has none."""
        if self._ask(run_id, is_waited_for=True):
            with suppress(EOFError, OSError):
                self._writer.recv()
                return
        import_module("nightbook.runs.reporting").ensure_page(self._settings, ledger, ledger.get(run_id))

    def _ask(self, run_id: str, *, is_waited_for: bool) -> bool:
        """Whether the writer has heard it."""
        with self._lock, suppress(OSError):
            self._writer.send((run_id, is_waited_for))
            return True
        return False


def _write_pages(settings: Settings, wanted: Connection, publishers_end: Connection, publisher_pid: int) -> None:
    end_with_parent(publisher_pid)
    publishers_end.close()
    # Whoever started the publisher reads its output to the end, and that is the publisher's end.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    ensure_page = import_module("nightbook.runs.reporting").ensure_page
    with Ledger.open(settings.ledger) as ledger, suppress(EOFError):
        while True:
            run_id, is_waited_for = wanted.recv()
            ensure_page(settings, ledger, ledger.get(run_id))
            if is_waited_for:
                wanted.send(run_id)
    os._exit(0)
