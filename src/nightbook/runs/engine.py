"""The runner: papermill, in a process of its own, around one notebook.

It reports what happens as events and writes nothing else. Whether the run succeeded is not for it to say: the supervisor
judges by the events, by this process's exit and by the kernel's.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator, papermill_translators

from nightbook.notebooks.inside import MIME_TYPE, reveal
from nightbook.records import CellStatus
from nightbook.runs.events import EventKind, EventLog
from nightbook.runs.outputs import CellOutputs
from nightbook.runs.redaction import Redactor
from nightbook.runs.request import EVENTS, PREPARED, SOURCE, TRACKING, ExecutionRequest
from nightbook.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

ENGINE = "nightbook-supervised"
PROGRESS_SECONDS = 0.25
SNAPSHOT_SECONDS = 1.0
SMALL_SNAPSHOT_BYTES = 256_000
TRACKING_WAIT_SECONDS = 60.0


class PythonSource:
    """A value that already is Python source, made and checked before the run was accepted."""

    def __init__(self, source: str) -> None:
        self.source = source


class LiteralTranslator(PythonTranslator):  # type: ignore[misc]  # papermill ships no types
    """Writes our checked Python source where papermill would guess from the value's type."""

    @classmethod
    def translate(cls, value: object) -> str:
        """The value as Python source."""
        if isinstance(value, PythonSource):
            return value.source
        return cast("str", super().translate(value))


class Journal:
    """Tells the event log, with secrets taken out, what the notebook client sees."""

    def __init__(self, request: ExecutionRequest) -> None:
        self.folder = Path(request.folder)
        self.request = request
        self.redactor = Redactor(reveal(reference) for reference in request.secrets)
        self._log = EventLog(self.folder / EVENTS)

    def tell(self, kind: EventKind, **fields: object) -> None:
        """Append one event."""
        self._log.append(kind, **cast("dict[str, Any]", self.redactor.json(strict_json(fields))))

    def prepared(self, notebook: NotebookNode) -> None:
        """Leave the parameterised notebook on disk: a killed run is shown from it and from the events."""
        notebook.metadata.get("papermill", {})["parameters"] = dict(self.request.shown_parameters)
        write_atomically(self.folder / PREPARED, json.dumps(strict_json(notebook), ensure_ascii=False).encode())
        self.tell(EventKind.PREPARED, cells=sum(is_executable(cell) for cell in notebook.cells))


class ExecutionState(NotebookExecutionManager):  # type: ignore[misc]  # papermill ships no types
    """papermill's bookkeeping without its files: it would rewrite the notebook twice a cell, in place."""

    def save(self, **kwargs: object) -> None:
        """Nothing: events are what survives."""

    def autosave_cell(self) -> None:
        """Nothing, as `save`."""


class SupervisedClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
    """papermill's notebook client, reporting each cell and bounding what it shows."""

    def __init__(self, state: ExecutionState, *, journal: Journal, **options: object) -> None:
        super().__init__(state, **options)
        self._journal = journal
        self._bounded: CellOutputs | None = None
        self._restyled: set[int] = set()
        self._next_progress = 0.0
        self._next_snapshot = 0.0

    def start_new_kernel(self, **options: Any) -> None:  # noqa: ANN401 - nbclient's own signature
        """Start the kernel, tell its process id, bound its memory."""
        super().start_new_kernel(**options)
        pid = self.km.provisioner.pid
        Interruptions.kernel_pid = pid
        memory_bytes = self._journal.request.limits.memory_bytes
        if memory_bytes is not None and hasattr(resource, "prlimit"):
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        self._journal.tell(EventKind.KERNEL_STARTED, pid=pid)

    def papermill_execute_cells(self) -> None:
        """Execute cell after cell until one ends the notebook."""
        for position, cell in enumerate(self.nb.cells):
            if cell.cell_type == "code" and not self._execute(cell, position):
                return

    def _execute(self, cell: NotebookNode, position: int) -> bool:
        started = time.monotonic()
        self._journal.tell(EventKind.CELL_STARTED, position=position)
        cell.outputs = []
        self._bounded = None
        error: CellExecutionError | None = None
        try:
            self.execute_cell(cell, position)
        except CellExecutionError as raised:
            error = raised
        except DeadKernelError:
            self._tell_outputs(position, cell)
            self._journal.tell(EventKind.KERNEL_DIED, returncode=self._kernel_returncode())
            raise
        reason = early_exit_reason(error)
        status = CellStatus.SUCCEEDED if error is None or reason is not None else CellStatus.FAILED
        self._settle()
        self._journal.tell(
            EventKind.CELL_ENDED,
            position=position,
            status=status.value,
            duration_seconds=time.monotonic() - started,
            execution_count=cell.execution_count,
            outputs=cell.outputs,
            **({"ename": error.ename, "evalue": error.evalue} if error is not None else {}),
        )
        for earlier in sorted(self._restyled - {position}):
            self._tell_outputs(earlier, self.nb.cells[earlier])
        self._restyled.clear()
        if reason is not None:
            self._journal.tell(EventKind.EXITED_EARLY, position=position, reason=reason)
        return error is None

    def _kernel_returncode(self) -> int | None:
        process = getattr(self.km.provisioner, "process", None)
        deadline = time.monotonic() + 1
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return process.poll() if process is not None else None

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Take one output message: streams are merged, the rest is nbclient's, as long as it fits."""
        content = msg["content"]
        bounded = self._bounded_outputs(outs)
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return cast("NotebookNode | None", super().output(outs, msg, display_id, cell_index))
        payload = content.get("data", {}).get(MIME_TYPE)
        if payload is not None:
            self._journal.tell(EventKind.LOGGED, payload=payload)
        if msg["msg_type"] == "stream":
            if self.clear_before_next_output:
                self.clear_output(outs, {**msg, "content": {"wait": False}}, cell_index)
                self.clear_before_next_output = False
            bounded.add_stream(content["name"], content["text"])
        elif bounded.admit(content):
            super().output(outs, msg, display_id, cell_index)
        self._tell_progress(cell_index)
        return None

    def _bounded_outputs(self, outs: list[NotebookNode]) -> CellOutputs:
        if self._bounded is None:
            limit = self._journal.request.limits.output_limit_bytes
            self._bounded = CellOutputs(cast("Any", outs), limit, make=nbformat.from_dict)
        return self._bounded

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        super()._update_display_id(display_id, msg)
        self._restyled.update(self._display_id_map.get(display_id, {}))

    def _settle(self) -> None:
        if self._bounded is not None:
            self._bounded.settle()

    def _tell_outputs(self, position: int, cell: NotebookNode) -> None:
        self._settle()
        self._journal.tell(EventKind.OUTPUTS, position=position, outputs=cell.outputs)

    def _tell_progress(self, position: int) -> None:
        now = time.monotonic()
        bounded = self._bounded
        if bounded is None or now < self._next_progress:
            return
        self._next_progress = now + PROGRESS_SECONDS
        self._journal.tell(EventKind.OUTPUT, position=position, line=bounded.last_line[:300])
        if now >= self._next_snapshot:
            # A long output is snapshotted ever more rarely, so that the file grows no faster than the output.
            pause = SNAPSHOT_SECONDS * max(1, bounded.size_bytes // SMALL_SNAPSHOT_BYTES) ** 2
            self._next_snapshot = now + pause
            self._tell_outputs(position, self.nb.cells[position])


class SupervisedEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """papermill's default engine with our client and no files."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:  # noqa: ANN401 - papermill's own signature
        """Execute the prepared notebook; events tell how it went."""
        journal: Journal = options["journal"]
        journal.prepared(nb)
        state = ExecutionState(nb, progress_bar=False, autosave_cell_every=0)
        client = SupervisedClient(state, journal=journal, kernel_name=kernel_name, startup_timeout=120)
        client.execute()
        journal.tell(EventKind.ENDED, metadata={key: nb.metadata.get(key) for key in ("language_info", "widgets")})
        return nb


class Interruptions:
    """Listens to the supervisor: `interrupt` reaches the kernel, a closed pipe ends this process.

    The pipe closes when the supervisor dies, however it dies.
    """

    kernel_pid: int | None = None

    @classmethod
    def listen(cls) -> None:
        """Listen from a thread: the main one is inside papermill."""
        threading.Thread(target=cls._serve, daemon=True).start()

    @classmethod
    def _serve(cls) -> None:
        for line in sys.stdin:
            if line.strip() == "interrupt" and cls.kernel_pid is not None:
                os.killpg(cls.kernel_pid, signal.SIGINT)
        if cls.kernel_pid is not None:
            os.killpg(cls.kernel_pid, signal.SIGKILL)
        os._exit(1)


def early_exit_reason(error: CellExecutionError | None) -> str | None:
    """Why a notebook ended itself in good order; None when it did not."""
    if error is None:
        return None
    if error.ename == "EarlyExit":
        return str(error.evalue)
    if error.ename == "SystemExit" and error.evalue in {"", "0", "None"}:
        return "sys.exit(0)"
    return None


def is_executable(cell: Mapping[str, object]) -> bool:
    """Whether a cell counts as one to execute."""
    return cell["cell_type"] == "code"


def strict_json(value: object) -> object:
    """The value with NaN and infinities as strings and bytes refused: what any JSON reader accepts."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN test
        return str(value)
    if isinstance(value, dict):
        return {str(key): strict_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict_json(item) for item in value]
    return value


def tracking_environment(request: ExecutionRequest) -> dict[str, str]:
    """What puts the notebook's own `mlflow` calls into this run; empty when MLflow is away.

    Waits for the run only when the notebook uses MLflow: any other notebook starts at once.
    """
    path = Path(request.folder) / TRACKING
    deadline = time.monotonic() + TRACKING_WAIT_SECONDS
    while request.awaits_tracking and not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    if not path.exists():
        return {}
    return cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8")))


def injected(request: ExecutionRequest) -> dict[str, object]:
    """The parameters in the form that papermill's translator for the language takes."""
    if request.language == "python":
        return {name: PythonSource(str(source)) for name, source in request.parameters.items()}
    return dict(request.parameters)


def execute(request: ExecutionRequest) -> None:
    """Execute the notebook of a request; events tell how it went."""
    journal = Journal(request)
    source = (Path(request.folder) / SOURCE).read_text(encoding="utf-8")
    notebook = nbformat.reads(source, as_version=4)
    os.environ.update(tracking_environment(request))
    try:
        papermill.execute_notebook(
            notebook,
            None,
            parameters=injected(request),
            engine_name=ENGINE,
            kernel_name=request.kernel_name,
            language=request.language,
            progress_bar=False,
            journal=journal,
        )
    except (PapermillExecutionError, DeadKernelError):
        return
    except (NoSuchKernel, RuntimeError, TimeoutError) as error:
        journal.tell(EventKind.FAULT, message=f"the kernel did not start: {error}")


def main() -> None:
    """Serve the request named on the command line."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    Interruptions.listen()
    request = ExecutionRequest.read(Path(sys.argv[1]))
    papermill_engines.register(ENGINE, SupervisedEngine)
    papermill_translators.register("python", LiteralTranslator)
    execute(request)
    # The kernel is gone and all is written: no interpreter shutdown, which costs a third of a second.
    os._exit(0)


if __name__ == "__main__":
    main()
