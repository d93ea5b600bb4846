"""The runner: papermill, in a process of its own, around one notebook.

It reports what happens as events and writes nothing else. Whether the run succeeded is not for it to say: the
supervisor judges by the events, by this process's exit and by the kernel's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NoReturn, cast

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillException, PapermillExecutionError
from papermill.translators import PythonTranslator, papermill_translators

from nightbook.errors import KernelError, StorageError
from nightbook.files import write_atomically
from nightbook.runs.checkpoint_client import CheckpointingClient
from nightbook.runs.containment import become_subreaper, choose_containment
from nightbook.runs.continuing import continue_from
from nightbook.runs.events import EventKind
from nightbook.runs.interruption import Interruption
from nightbook.runs.journal import Journal
from nightbook.runs.kernel_client import SupervisedClient
from nightbook.runs.request import FORK, NO_WARM_PARENT, REFUSAL, SOURCE, TRACKING, ExecutionRequest
from nightbook.runs.shared_cells import TakenCells, cells_of_trunk
from nightbook.runs.sharing_client import BranchClient, TrunkClient
from nightbook.runs.sockets import trunk_place
from nightbook.runs.trunks import fork_from_trunk, leave_trunk, listening_at, trunk_kernel
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, KernelEnds, fork_kernel
from nightbook.runs.warm.orders import RefusalError
from nightbook.runs.warm.places import KERNEL, place_of, secret_variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

ENGINE = "nightbook-supervised"
TRUNK_ENGINE = "nightbook-trunk"
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


class SupervisedEngine(Engine):  # type: ignore[misc]  # papermill ships no types
    """An engine of papermill's that leaves events in place of papermill's own bookkeeping, which writes in place."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:  # noqa: ANN401 - papermill's own signature
        """Execute the prepared notebook; events tell how it went."""
        journal: Journal = options["journal"]
        journal.prepared(nb)
        request = journal.request
        if reason := why_no_checkpoints(request):
            journal.tell(EventKind.NO_CHECKPOINT, cell=None, reason=reason)
        forked, taken = begun_kernel(journal, nb.cells)
        if request.engine != FORK:
            SupervisedClient(nb, journal=journal, kernel_name=kernel_name).execute_notebook()
        else:
            client = BranchClient if request.checkpointing is None else CheckpointingClient
            ends = forked or forked_kernel(request)
            client(nb, journal=journal, kernel_name=kernel_name, forked=ends, taken=taken).execute_notebook()
        # The events hold all: papermill is given nothing to look through and to write down.
        return nbformat.NotebookNode(cells=[], metadata={}, nbformat=4, nbformat_minor=5)


class TrunkEngine(Engine):  # type: ignore[misc]  # papermill ships no types
    """Executes only what the runs of a sweep have in common, and leaves the kernel to be forked for each of them."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **options: Any) -> NotebookNode:  # noqa: ANN401 - papermill's own signature
        """Execute the shared cells; a file in the folder tells how that went."""
        journal: Journal = options["journal"]
        journal.prepared(nb)
        place = trunk_place(journal.request.run_id, journal.request.folder)
        ends, reason = None, "no warm process could be had"
        with listening_at(place) as listener:
            try:
                ends = trunk_kernel(journal.request, listener)
            except RefusalError as refusal:
                reason = str(refusal)
        if ends is None:
            leave_trunk(journal.request, reason=reason)
            return nb
        client = TrunkClient(nb, journal=journal, kernel_name=kernel_name, forked=ends)
        try:
            reason = client.execute_shared_cells()
        except DeadKernelError:
            reason = "the kernel died in a shared cell"
        leave_trunk(journal.request, reason=reason, place=place)
        if reason:
            place.socket.unlink(missing_ok=True)
        else:
            # The kernel stays as long as this process does, which its standard input decides.
            Event().wait()
        return nb


def why_no_checkpoints(request: ExecutionRequest) -> str:
    """Why the run leaves none although they were asked for; empty when it does, or they were not."""
    if request.checkpointing is None or request.engine == FORK:
        return request.no_checkpoints
    return ": ".join(filter(None, (f"the {request.engine} engine leaves none", request.engine_reason)))


def begun_kernel(journal: Journal, cells: Sequence[NotebookNode]) -> tuple[KernelEnds | None, TakenCells | None]:
    """A kernel that has executed the first cells, for other runs or in another one; None for none."""
    request = journal.request
    if request.resumes is not None:
        continuation = continue_from(request, request.resumes, cells)
        journal.tell(EventKind.RESUMED, **asdict(continuation.resumed))
        return continuation.ends, continuation.taken
    if request.engine != FORK:
        return None, None
    forked = fork_from_trunk(request)
    if forked is None or request.sharing is None:
        return None, None
    return forked, cells_of_trunk(cells, request.sharing)


def forked_kernel(request: ExecutionRequest) -> KernelEnds:
    """A kernel from a warm parent; where there is none, the supervisor is told to have another engine."""
    surroundings = present_surroundings(request.working_directory, request.limits.memory_bytes)
    try:
        place = place_of(KERNEL, os.environ, root=request.warm_root, secrets=secret_variables(request.secrets))
        forked = fork_kernel(
            place,
            surroundings,
            choose_containment(request.containment),
            imports=Imports(now=request.imports, later=request.expected_imports),
            log=sys.stdout.fileno(),
            # A parent that this process started would end with the run.
            is_parent_started=False,
        )
    except StorageError as error:
        sys.stdout.write(f"{error.message}\n")
        forked = None
    except RefusalError as refusal:
        write_atomically(Path(request.folder) / REFUSAL, str(refusal).encode())
        forked = None
    if forked is None:
        sys.stdout.flush()
        os._exit(NO_WARM_PARENT)
    return forked


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


def numbered(notebook: NotebookNode) -> NotebookNode:
    """The notebook with each cell's index noted: papermill inserts cells, and takes its own old ones out."""
    for index, cell in enumerate(notebook.cells):
        cell.metadata["nightbook"] = {"index": index}
    return notebook


def execute(request: ExecutionRequest, engine: str = ENGINE) -> None:
    """Execute the notebook of a request; events tell how it went."""
    journal = Journal(request)
    source = (Path(request.folder) / SOURCE).read_text(encoding="utf-8")
    os.environ.update(tracking_environment(request))
    try:
        papermill.execute_notebook(
            numbered(nbformat.reads(source, as_version=4)),
            None,
            parameters=injected(request),
            engine_name=engine,
            kernel_name=request.kernel_name,
            language=request.language,
            progress_bar=False,
            journal=journal,
        )
    except (PapermillExecutionError, DeadKernelError):
        # The events hold it.
        return
    except (KernelError, PapermillException) as error:
        journal.tell(EventKind.FAULT, message=str(error))


def main() -> None:
    """Serve the request named on the command line."""
    be_runner(ExecutionRequest.read(Path(sys.argv[1])))


def be_runner(request: ExecutionRequest) -> NoReturn:
    """Execute a request and end this process."""
    if sys.platform == "win32":
        # ZeroMQ's sockets are waited for by the other kind of loop.
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    become_subreaper()
    Interruption.listen()
    register()
    execute(request)
    Interruption.await_end()
    # The kernel is gone and all is written: no interpreter shutdown, which costs a third of a second.
    os._exit(0)


def be_trunk(request: ExecutionRequest) -> NoReturn:
    """Execute what the runs of a sweep have in common, and stay until standard input ends."""
    Interruption.listen()
    register()
    execute(request, TRUNK_ENGINE)
    os._exit(0)


def register() -> None:
    """Let papermill know our engines, and how we write parameters."""
    logging.getLogger("papermill").setLevel(logging.ERROR)
    papermill_engines.register(ENGINE, SupervisedEngine)
    papermill_engines.register(TRUNK_ENGINE, TrunkEngine)
    papermill_translators.register("python", LiteralTranslator)
