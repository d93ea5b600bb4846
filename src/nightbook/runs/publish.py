"""The publisher's process: reports and MLflow for the runs that it is told of on its standard input.

See `nightbook.runs.process`; its arguments are the project's root and when to publish, `now` or `later`. At the end of
its input it finishes what can be finished and prints what is still owed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from nightbook.errors import LedgerAwayError
from nightbook.files import write_atomically
from nightbook.loading import without
from nightbook.numbers import format_count
from nightbook.records import RunKind, RunStatus
from nightbook.runs.conversation import KEPT_FOR_THE_END_SECONDS, Conversation
from nightbook.runs.ledger import Ledger
from nightbook.runs.pages import Pages
from nightbook.runs.patience import patiently
from nightbook.runs.request import REQUEST, TRACKING, ExecutionRequest
from nightbook.settings import PUBLISHINGS, load_settings
from nightbook.systems import OF_THE_TERMINAL

if TYPE_CHECKING:
    from nightbook.runs.outbox import Outbox
    from nightbook.settings import Settings

END = ""
PAUSE_SECONDS = 2.0
SHORT_PAUSE_SECONDS = 0.05
ENDING_SECONDS = 10.0


class Publishing:
    """Serves one `nightbook` command until it closes the pipe.

    Args:
        settings: The project.
        ledger: Its.
        pages: Where pages are written.
        is_later: Leave reports and MLflow to `nightbook sync`: only notebooks that use MLflow get their runs there.
    """

    def __init__(self, settings: Settings, ledger: Ledger, pages: Pages, *, is_later: bool = False) -> None:
        self._is_later = is_later
        self._settings = settings
        self._ledger = ledger
        self._pages = pages
        self._mlflow = Conversation(settings.tracking_uri)
        self._outbox: Outbox | None = None
        self._told: SimpleQueue[str] = SimpleQueue()
        self._awaiting: set[str] = set()
        self._known: set[str] = set()

    def serve(self) -> str:
        """Return why something is still owed, empty when nothing is."""
        Thread(target=self._listen, name="nightbook-told", daemon=True).start()
        # MLflow is loaded while nothing runs yet.
        told = set[str]()
        while END not in told:
            # A ledger that is away for a moment is asked again at the next word, or after the next pause.
            with suppress(LedgerAwayError):
                self._publish(told)
            # A runner that waits for its MLflow run is not to wait for us.
            told = self._hear(SHORT_PAUSE_SECONDS if self._awaiting else PAUSE_SECONDS)
        return patiently(self._finish)

    def _listen(self) -> None:
        """Take in what comes, also while MLflow is talked to: no page waits for that."""
        for line in sys.stdin:
            if not self._is_later:
                self._pages.begin(line.strip())
            self._told.put(line.strip())
        self._told.put(END)

    def _hear(self, timeout_seconds: float) -> set[str]:
        """The ids that came meanwhile; when there are no more, `END`."""
        told = set()
        with suppress(Empty):
            told.add(self._told.get(timeout=timeout_seconds))
            while END not in told:
                told.add(self._told.get_nowait())
        if len(told) > 1 and END in told:
            told.remove(END)
            self._told.put(END)
        return told

    def _has_news(self) -> bool:
        return not self._told.empty()

    def _publish(self, told: set[str]) -> None:
        self._known |= told
        self._awaiting |= {run_id for run_id in told if self._awaits_tracking(run_id)}
        self._hand_over([run_id for run_id in sorted(self._awaiting) if self._has_started(run_id)])
        if self._is_later:
            return
        is_owed = bool(self._ledger.deliveries.owed_runs())
        if (is_owed or self._outbox is None) and self._mlflow.can_begin():
            outbox = self._open()
            # Whoever has news goes first: it may be a runner that waits for its MLflow run.
            self._mlflow.hold(partial(outbox.drain, is_enough=self._has_news) if is_owed else outbox.open)

    def _finish(self) -> str:
        if self._is_later:
            debt = self._ledger.deliveries.owed()
            return f"{format_count(debt.runs, 'run')} to be published, as asked" if debt.runs else ""
        self._await_ends()
        self._write_reports()
        if not self._ledger.deliveries.owed_runs():
            return ""
        drained = self._mlflow.hold(self._open().drain) if self._mlflow.can_begin_while_waited_for() else None
        deadline = time.monotonic() + ENDING_SECONDS
        while drained and drained.owed and not drained.reason and time.monotonic() < deadline:
            # Another command's publisher has claimed them and is just at it.
            time.sleep(SHORT_PAUSE_SECONDS)
            drained = self._mlflow.hold(self._open().drain)
        if drained is None:
            debt = self._ledger.deliveries.owed()
            return f"MLflow does not answer, {debt.runs} runs wait for it" if debt.runs else ""
        return f"{drained.owed} runs wait for MLflow: {drained.reason}" if drained.owed else ""

    def _await_ends(self) -> None:
        """A command that was killed leaves runs whose supervisors need a moment to end them."""
        deadline = time.monotonic() + ENDING_SECONDS
        while time.monotonic() < deadline and any(self._is_supervised(run_id) for run_id in self._known):
            time.sleep(SHORT_PAUSE_SECONDS)

    def _is_supervised(self, run_id: str) -> bool:
        run = self._ledger.get(run_id)
        return run.kind is RunKind.STAGE and not run.status.is_final

    def _write_reports(self) -> None:
        """Reports do not wait for MLflow."""
        for run_id in self._ledger.deliveries.owed_runs():
            self._pages.ensure(run_id, self._ledger)

    def _open(self) -> Outbox:
        # MLflow takes seconds to load: the first word with the ledger and the probe come before.
        if self._outbox is None:
            publishing = load_publishing(is_embedded=self._settings.is_embedded_tracking)
            ensure_page = partial(self._pages.ensure, ledger=self._ledger)
            self._outbox = publishing.ReportingOutbox(self._settings, self._ledger, ensure_page)
        return self._outbox

    def _awaits_tracking(self, run_id: str) -> bool:
        path = self._settings.runs_folder / run_id / REQUEST
        return path.exists() and not path.with_name(TRACKING).exists() and ExecutionRequest.read(path).awaits_tracking

    def _has_started(self, run_id: str) -> bool:
        return self._ledger.get(run_id).status is not RunStatus.PENDING

    def _hand_over(self, run_ids: list[str]) -> None:
        """Leave what puts the notebooks' own `mlflow` calls into their runs, or that nothing does: runners wait."""
        for run_id in run_ids:
            known = None
            if self._mlflow.can_begin_while_waited_for(keep_seconds=KEPT_FOR_THE_END_SECONDS):
                known = self._mlflow.hold(partial(self._open().announce, run_id))
            tracking = {"MLFLOW_TRACKING_URI": self._settings.tracking_uri, "MLFLOW_RUN_ID": known} if known else {}
            self._leave(run_id, tracking)

    def _leave(self, run_id: str, tracking: dict[str, str]) -> None:
        write_atomically(self._settings.runs_folder / run_id / TRACKING, json.dumps(tracking).encode())
        self._awaiting.discard(run_id)


def load_publishing(*, is_embedded: bool) -> Any:  # noqa: ANN401 - a module
    """Import MLflow as it is for those who install `mlflow-skinny`, in two thirds of the time.

    A run is told to MLflow without any data library; should some MLflow need one after all, it gets it.

    Args:
        is_embedded: Artifacts are files of the project: no pyarrow, which would bring them to `hdfs://`, is needed.
    """
    with suppress(ImportError), without("numpy", "pandas", "scipy", *(["pyarrow"] if is_embedded else [])):
        return import_module("nightbook.runs.publishing")
    return import_module("nightbook.runs.publishing")


def main() -> None:
    """Serve the project named on the command line."""
    for number in OF_THE_TERMINAL:
        signal.signal(number, lambda *_: None)
    settings = load_settings(Path(sys.argv[1]), environment=os.environ)
    pages = Pages(settings)
    with Ledger.open(settings.ledger) as ledger:
        owed = Publishing(settings, ledger, pages, is_later=sys.argv[2] == PUBLISHINGS[1]).serve()
    sys.stdout.write(json.dumps({"owed": owed}))
    # Whoever waits for the answer has it now, and need not wait for this process to be taken apart.
    sys.stdout.close()
    # MLflow's threads and engines have nothing left to say.
    os._exit(0)
