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

from nightbook.errors import NightbookError
from nightbook.runs.containment import end_with_parent
from nightbook.runs.ledger import Ledger

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from nightbook.settings import Settings


class Pages:
    """Where the pages of a project's ended runs are written.

    Args:
        settings: The project.

    Attributes:
        writer_pid: Process id of who writes them; None where the publisher does so itself.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.writer_pid: int | None = None
        self._speaking, self._asking = Lock(), Lock()
        self._writer, other_end = Pipe()
        # Where a fork is not safe nobody is at the other end, and pages are written in the publisher itself.
        if sys.platform.startswith("linux"):
            ends = (other_end, self._writer)
            writer = get_context("fork").Process(target=_write_pages, args=(settings, *ends, os.getpid()), daemon=True)
            writer.start()
            self.writer_pid = writer.pid
        other_end.close()

    def begin(self, run_id: str) -> None:
        """Have the page written, should the run have ended, without waiting for it."""
        self._ask(run_id, is_waited_for=False)

    def ensure(self, run_id: str, ledger: Ledger) -> None:
        """Write the page of an ended run unless it is there or the run has none."""
        run = ledger.get(run_id)
        if run.status.is_final and not self._is_written(run_id):
            import_module("nightbook.runs.reporting").ensure_page(self._settings, ledger, run)

    def _is_written(self, run_id: str) -> bool:
        # Threads wait for one another: each takes the answer to its own question.
        with self._asking, suppress(EOFError, OSError):
            return self._ask(run_id, is_waited_for=True) and bool(self._writer.recv())
        return False

    def _ask(self, run_id: str, *, is_waited_for: bool) -> bool:
        """Whether the writer has heard it."""
        with self._speaking, suppress(OSError):
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
            is_written = False
            with suppress(NightbookError):  # the ledger is away, the disk is full: the publisher tries and says so
                ensure_page(settings, ledger, ledger.get(run_id))
                is_written = True
            if is_waited_for:
                wanted.send(is_written)
    os._exit(0)
