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
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nightbook.files import write_atomically
from nightbook.loading import without
from nightbook.records import RunKind, RunStatus
from nightbook.runs.ledger import Ledger
from nightbook.runs.probe import answers
from nightbook.runs.request import REQUEST, TRACKING, ExecutionRequest
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nightbook.runs.outbox import Outbox
    from nightbook.settings import Settings

Said = TypeVar("Said")

PAUSE_SECONDS = 2.0
SHORT_PAUSE_SECONDS = 0.05
ENDING_SECONDS = 10.0
PATIENCE_SECONDS = 1.0
KEPT_FOR_THE_END_SECONDS = 0.5
LOOK_SECONDS = 0.25
ASK_AGAIN_SECONDS = 10.0


class Conversation:
    """What is said to MLflow, whose silence may hold up those who wait for a second in all.

    A request to a server that hangs takes ten seconds: it is made on a thread that can be left behind.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._patience_seconds = PATIENCE_SECONDS
        self._ask_again_at = 0.0
        self._speaker = ThreadPoolExecutor(1, thread_name_prefix="nightbook-mlflow")
        self._talk: Future[Any] | None = None

    def can_begin_while_waited_for(self, *, keep_seconds: float = 0) -> bool:
        """Whether MLflow answers, when a runner or a person waits: each silence leaves less time for the next."""
        left = self._patience_seconds - keep_seconds
        if self._is_stuck or left <= 0:
            return False
        began = time.monotonic()
        if answers(self._uri, timeout_seconds=left):
            return True
        self._patience_seconds -= min(left, time.monotonic() - began)
        return False

    def can_begin(self) -> bool:
        """Whether MLflow answers, when nobody waits: after a silence it is left in peace for a while."""
        if self._is_stuck or time.monotonic() < self._ask_again_at:
            return False
        if answers(self._uri, timeout_seconds=KEPT_FOR_THE_END_SECONDS):
            return True
        self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
        return False

    def hold(self, talk: Callable[[], Said]) -> Said | None:
        """Return what came of a talk; None when MLflow fell silent and the talk was left to itself."""
        self._talk = said = self._speaker.submit(talk)
        # However long it takes: as long as MLflow answers others, it is at work.
        while not wait([said], LOOK_SECONDS).done:
            if not answers(self._uri, timeout_seconds=PATIENCE_SECONDS):
                return None
        return said.result()

    @property
    def _is_stuck(self) -> bool:
        return self._talk is not None and not self._talk.done()


class Publishing:
    """Serves one `nightbook` command until it closes the pipe."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._mlflow = Conversation(settings.tracking_uri)
        self._outbox: Outbox | None = None
        self._awaiting: set[str] = set()
        self._known: set[str] = set()

    def serve(self) -> str:
        """Return why something is still owed, empty when nothing is."""
        # MLflow is loaded while nothing runs yet.
        self._publish(set())
        # A runner that waits for its MLflow run is not to wait for us.
        while (told := _told(SHORT_PAUSE_SECONDS if self._awaiting else PAUSE_SECONDS)) is not None:
            self._publish(told)
        return self._finish()

    def _publish(self, told: set[str]) -> None:
        self._known |= told
        self._awaiting |= {run_id for run_id in told if self._awaits_tracking(run_id)}
        self._hand_over([run_id for run_id in sorted(self._awaiting) if self._has_started(run_id)])
        if self._mlflow.can_begin():
            outbox = self._open()
            if self._ledger.deliveries.owed_runs():
                # Whoever has news goes first: it may be a runner that waits for its MLflow run.
                self._mlflow.hold(partial(outbox.drain, is_enough=_has_news))

    def _finish(self) -> str:
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
    """Import MLflow and nbconvert; MLflow as it is for those who install `mlflow-skinny`, in two thirds of the time.

    A run is told to MLflow without any data library; should some MLflow need one after all, it gets it.

    Args:
        is_embedded: Artifacts are files of the project: no pyarrow, which would bring them to `hdfs://`, is needed.
    """
    with suppress(ImportError), without("numpy", "pandas", "scipy", *(["pyarrow"] if is_embedded else [])):
        return import_module("nightbook.runs.publishing")
    return import_module("nightbook.runs.publishing")


def _has_news() -> bool:
    return bool(select.select([sys.stdin.fileno()], [], [], 0)[0])


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
