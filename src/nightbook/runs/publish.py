"""The publisher's process: reports and MLflow for the runs that it is told of on its standard input.

See `nightbook.runs.process`; its argument is the project's root. At the end of its input it finishes what can be
finished and prints what is still owed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.files import write_atomically
from nightbook.loading import without
from nightbook.records import RunKind, RunStatus
from nightbook.runs.ledger import Ledger
from nightbook.runs.probe import answers
from nightbook.runs.request import REQUEST, TRACKING, ExecutionRequest
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from nightbook.runs.outbox import Outbox
    from nightbook.settings import Settings

PAUSE_SECONDS = 2.0
SHORT_PAUSE_SECONDS = 0.05
ENDING_SECONDS = 10.0


class Publishing:
    """Serves one `nightbook` command until it closes the pipe."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._outbox: Outbox | None = None
        self._awaiting: set[str] = set()
        self._known: set[str] = set()

    def serve(self) -> str:
        """Return why something is still owed, empty when nothing is."""
        # A runner that waits for its MLflow run is not to wait for us.
        while (told := _told(SHORT_PAUSE_SECONDS if self._awaiting else PAUSE_SECONDS)) is not None:
            self._publish(told)
        return self._finish()

    def _publish(self, told: set[str]) -> None:
        self._known |= told
        self._awaiting |= {run_id for run_id in told if self._awaits_tracking(run_id)}
        if self._awaiting and not answers(self._settings.tracking_uri, timeout_seconds=0.5):
            self._let_go_without_tracking()
        for run_id in sorted(self._awaiting):
            self._hand_over(run_id)
        if answers(self._settings.tracking_uri, timeout_seconds=0.5):
            self._open().drain()

    def _finish(self) -> str:
        self._await_ends()
        self._write_reports()
        if not answers(self._settings.tracking_uri, timeout_seconds=0.5):
            debt = self._ledger.deliveries.owed()
            return f"MLflow does not answer, {debt.runs} runs wait for it" if debt.runs else ""
        drained = self._open().drain()
        deadline = time.monotonic() + ENDING_SECONDS
        while drained.owed and not drained.reason and time.monotonic() < deadline:
            # Another command's publisher has claimed them and is just at it.
            time.sleep(SHORT_PAUSE_SECONDS)
            drained = self._open().drain()
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
        ensure_page = import_module("nightbook.runs.reporting").ensure_page
        for run_id in self._ledger.deliveries.owed_runs():
            ensure_page(self._settings, self._ledger, self._ledger.get(run_id))

    def _open(self) -> Outbox:
        # MLflow and nbconvert take seconds to load: the first word with the ledger and the probe come before.
        if self._outbox is None:
            publishing = load_publishing(is_embedded=self._settings.is_embedded_tracking)
            self._outbox = publishing.ReportingOutbox(self._settings, self._ledger)
        return self._outbox

    def _awaits_tracking(self, run_id: str) -> bool:
        path = self._settings.runs_folder / run_id / REQUEST
        return path.exists() and not path.with_name(TRACKING).exists() and ExecutionRequest.read(path).awaits_tracking

    def _hand_over(self, run_id: str) -> None:
        """Leave what puts the notebook's own `mlflow` calls into its run; the runner waits for it."""
        run = self._ledger.get(run_id)
        if run.status is RunStatus.PENDING:
            return
        known = self._open().announce(run_id)
        tracking = {"MLFLOW_TRACKING_URI": self._settings.tracking_uri, "MLFLOW_RUN_ID": known} if known else {}
        self._leave(run_id, tracking)

    def _let_go_without_tracking(self) -> None:
        for run_id in sorted(self._awaiting):
            self._leave(run_id, {})

    def _leave(self, run_id: str, tracking: dict[str, str]) -> None:
        write_atomically(self._settings.runs_folder / run_id / TRACKING, json.dumps(tracking).encode())
        self._awaiting.discard(run_id)


def load_publishing(*, is_embedded: bool) -> Any:  # noqa: ANN401 - a module
    """Import MLflow and nbconvert; MLflow as it is for those who install `mlflow-skinny`, in two thirds of the time.

    A run is told to MLflow without any data library; should some MLflow need one after all, it gets it.

    Args:
        is_embedded: Artifacts are files of the project: no pyarrow, which would bring them to `hdfs://`, is needed.
    """
    with suppress(ImportError), without("numpy", "pandas", "scipy", *(["pyarrow"] if is_embedded else [])):
        return import_module("nightbook.runs.publishing")
    return import_module("nightbook.runs.publishing")


def _told(timeout_seconds: float) -> set[str] | None:
    """Run ids that came meanwhile; None at the end of the input."""
    ready, _, _ = select.select([sys.stdin.fileno()], [], [], timeout_seconds)
    if not ready:
        return set()
    chunk = os.read(sys.stdin.fileno(), 65536)
    return {line.decode() for line in chunk.split()} if chunk else None


def main() -> None:
    """Serve the project named on the command line."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    settings = load_settings(Path(sys.argv[1]), environment=os.environ)
    with Ledger.open(settings.ledger) as ledger:
        owed = Publishing(settings, ledger).serve()
    sys.stdout.write(json.dumps({"owed": owed}))
    sys.stdout.flush()
    # MLflow's threads and engines have nothing left to say.
    os._exit(0)
