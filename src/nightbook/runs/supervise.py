"""The supervisor's process: watch the run, judge it, write down the one true final state.

One process per run; see `nightbook.runs.process`. It listens on its standard input: `cancel`, `kill`,
or the end of the pipe when the `nightbook` that asked for the run is gone.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from nightbook.errors import KernelError, LedgerError, NightbookError, StorageError
from nightbook.files import file_state, write_atomically
from nightbook.notebooks.inside import reveal
from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.distributions import installed_in, site_folders
from nightbook.pipelines.kernels import find_kernel
from nightbook.pipelines.memory import Memory
from nightbook.pipelines.store import ContentStore
from nightbook.records import Cause, Pin, RunStatus
from nightbook.runs.conclusion import leave_notebook
from nightbook.runs.events import EventReader
from nightbook.runs.executed import Ending, prepared_notebook, source_indices, trace_events
from nightbook.runs.facts import Outcome
from nightbook.runs.heartbeat import Heartbeat
from nightbook.runs.journal import is_executable
from nightbook.runs.judge import Evidence, Judgement, Stop, judge
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.patience import patiently
from nightbook.runs.redaction import Redactor
from nightbook.runs.request import ENVIRONMENT, EVENTS, DeclaredPath, ExecutionRequest
from nightbook.runs.sockets import remove_sockets
from nightbook.runs.watch import RunnerWatch
from nightbook.systems import OF_THE_TERMINAL

if TYPE_CHECKING:
    from nightbook.runs.executed import Trace
    from nightbook.runs.ledger import Ledger


def supervise(request: ExecutionRequest) -> None:
    """Carry a pending run to its final state."""
    began = datetime.now(UTC)
    with SupervisorsLedger(request) as ledger:
        record(request, _outcome(request, began, ledger), ledger)


def _outcome(request: ExecutionRequest, began: datetime, ledger: SupervisorsLedger) -> Outcome:
    try:
        return carry_out(request, began, ledger)
    except Exception as error:  # noqa: BLE001 - the stage boundary: whatever goes wrong here, the run has an end
        traceback.print_exc()
        said = error.message if isinstance(error, NightbookError) else f"{type(error).__name__}: {error}"
        return Outcome(
            status=RunStatus.FAILED, message=f"the run could not be carried out: {said}", ended_at=datetime.now(UTC)
        )


class SupervisorsLedger:
    """The ledger that the client has made, opened when it is first needed and can be.

    Args:
        request: Says where it is.
    """

    def __init__(self, request: ExecutionRequest) -> None:
        self._request = request
        self._opened: Ledger | None = None

    def open(self) -> Ledger:
        """The ledger; SQLAlchemy is loaded while the runner already loads papermill.

        Raises:
            LedgerError: It cannot be reached.
        """
        if self._opened is None:
            module = import_module("nightbook.runs.ledger")
            self._opened = cast("Ledger", module.Ledger.open(self._request.ledger, create=False))
        return self._opened

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what was opened."""
        if self._opened is not None:
            self._opened.close()


def carry_out(request: ExecutionRequest, began: datetime, opening: SupervisorsLedger) -> Outcome:
    """Watch the run until no process of it is left, then judge it."""
    watch = RunnerWatch(request, Redactor(reveal(reference) for reference in request.secrets))
    signal.signal(signal.SIGTERM, lambda *_: watch.interrupt(Stop.CANCELLED))
    try:
        ledger = patiently(opening.open)
        if not ledger.start(request.run_id, SupervisorProcess.this(), began):
            watch.interrupt(Stop.CANCELLED)
        write_environment(request)
        watch.until_ended(lambda: beat(ledger, request.run_id))
    finally:
        watch.end()
        remove_sockets(request.run_id)
    # To hash and keep large outputs takes its time: that is no silence.
    with Heartbeat(ledger, request.run_id, seconds=request.heartbeat_seconds):
        outcome = conclude(request, gather_evidence(request, watch), began)
        if outcome.status is RunStatus.SUCCEEDED:
            watch.end_checkpoints()
        return outcome


def beat(ledger: Ledger, run_id: str) -> bool:
    """Tell the ledger that the run is looked after; a ledger that is away for a while is no reason to end it."""
    try:
        return ledger.beat(run_id)
    except (LedgerError, StorageError):
        return True


def record(request: ExecutionRequest, outcome: Outcome, opening: SupervisorsLedger) -> None:
    """Write the final state down; where another one was first, the notebook on disk is made to agree with it.

    Raises:
        LedgerError: The ledger was away all the time: the next command will find the run lost.
        StorageError: Its disk was full all the time, likewise.
    """

    def finish() -> None:
        ledger = opening.open()
        if not ledger.finish(request.run_id, outcome):
            agree_with(ledger, request)

    patiently(finish)


def agree_with(ledger: Ledger, request: ExecutionRequest) -> None:
    """Compose the notebook anew with the final state that the ledger holds."""
    run = ledger.get(request.run_id)
    judgement = Judgement(status=run.status, cause=run.cause, message=run.message)
    ended_at = run.ended_at or datetime.now(UTC)
    leave_notebook(request, trace_of(request), Ending(run_id=run.run_id, judgement=judgement, ended_at=ended_at))


def trace_of(request: ExecutionRequest) -> Trace:
    """What the events on disk tell."""
    return trace_events(EventReader.all_of(Path(request.folder) / EVENTS))


def write_environment(request: ExecutionRequest) -> None:
    """Leave what was installed for the kernel, in the form of `pip freeze`, beside the run's other files."""
    known = Memory[list[str]](Path(request.state) / "cache" / "environments.json", most=8)
    with suppress(StorageError, KernelError):  # a full disk, a kernel that is gone: noticed where it matters
        kernel = find_kernel(request.kernel_name)
        installed = installed_in(site_folders(kernel.interpreter if kernel.language == "python" else "python"), known)
        known.save()
        lines = [f"# {kernel.name} on {platform.platform()}", *installed]
        write_atomically(Path(request.folder) / ENVIRONMENT, ("\n".join(lines) + "\n").encode())


def gather_evidence(request: ExecutionRequest, watch: RunnerWatch) -> Evidence:
    """Read what happened from the disk and from the watch."""
    folder = Path(request.folder)
    prepared = prepared_notebook(folder)
    return Evidence(
        trace=trace_of(request),
        code_cells=sum(is_executable(cell) for cell in prepared["cells"]),
        source_indices=source_indices(prepared),
        runner_returncode=watch.returncode,
        stop=watch.stop,
        limits=request.limits,
        memory_kills=watch.memory_kills,
        peak_memory_bytes=watch.peak_memory_bytes,
        last_log_line=watch.log.last_line,
    )


def conclude(request: ExecutionRequest, evidence: Evidence, began: datetime) -> Outcome:
    """Judge, keep the outputs, leave the executed notebook."""
    judgement = judge(evidence)
    digests = FileDigests(Path(request.state) / "cache" / "digests.json")
    outputs: tuple[Pin, ...] = ()
    wanted = request.outputs
    if evidence.trace.early_exit is not None:
        # What it left unwritten on purpose is no failure; what lies there from before is not its own.
        wanted = tuple(one for one in wanted if is_written_since(one.path, began))
    if judgement.status is RunStatus.SUCCEEDED:
        try:
            outputs, judgement = keep_outputs(request, wanted, judgement, digests)
        except (StorageError, OSError) as error:
            judgement = Judgement(status=RunStatus.FAILED, message=f"the outputs could not be kept: {error}")
    changed = changed_inputs(request, digests)
    if changed and judgement.status is RunStatus.SUCCEEDED:
        note = f"{', '.join(changed)} changed while it ran: the result will not be reused"
        judgement = replace(judgement, message="; ".join(filter(None, [judgement.message, note])))
    ended = datetime.now(UTC)
    ending = Ending(run_id=request.run_id, judgement=judgement, ended_at=ended)
    return replace(
        leave_notebook(request, evidence.trace, ending),
        duration_seconds=(ended - began).total_seconds(),
        peak_memory_bytes=evidence.peak_memory_bytes or None,
        outputs=outputs,
        reusable=not changed and len(wanted) == len(request.outputs),
    )


def is_written_since(path: str, began: datetime) -> bool:
    """Whether a file, or any file of a folder, is newer than the run; what is no path counts as written."""
    one = Path(path)
    newest = max((file.stat().st_mtime for file in (one, *one.rglob("*")) if file.exists()), default=0.0)
    return not path or newest >= began.timestamp()


def keep_outputs(
    request: ExecutionRequest, wanted: tuple[DeclaredPath, ...], judgement: Judgement, digests: FileDigests
) -> tuple[tuple[Pin, ...], Judgement]:
    """Put the outputs that are wanted into the content store; a missing one makes the run a failure."""
    missing = [output for output in wanted if output.path and not Path(output.path).exists()]
    if missing:
        names = ", ".join(f"{output.name} ({output.uri})" for output in missing)
        message = f"the notebook ended without writing {names}"
        return (), Judgement(status=RunStatus.FAILED, cause=Cause.CELL_ERROR, message=message)
    store = ContentStore(request.store)
    pins = []
    for output in wanted:
        digest = digests.digest(Path(output.path)) if output.path else ""
        if output.path:
            store.put(Path(output.path), digest)
        pins.append(Pin(name=output.name, uri=output.uri, digest=digest, size_bytes=size_of(output.path)))
    digests.save()
    return tuple(pins), judgement


def size_of(path: str) -> int | None:
    """Bytes of a file, or of a folder's files; None for what is no path."""
    if not path:
        return None
    one = Path(path)
    files = [file for file in one.rglob("*") if file.is_file()] if one.is_dir() else [one]
    return sum(file.stat().st_size for file in files)


def changed_inputs(request: ExecutionRequest, digests: FileDigests) -> list[str]:
    """Inputs and own modules that are no longer what they were when the run was planned."""
    root = Path(request.root)
    changed = [uri for uri, state in request.modules.items() if file_state(root / uri) != state]
    for pin in request.inputs:
        path = root / pin.uri
        if pin.digest and (not path.exists() or digests.digest(path) != pin.digest):
            changed.append(pin.uri)
    return changed


def ignore_terminal() -> None:
    """A Ctrl-C or a closed terminal reaches the run through its client, in good order.

    With a handler that does nothing rather than SIG_IGN: the kernel would inherit that and could not be interrupted.
    """
    for number in OF_THE_TERMINAL:
        signal.signal(number, lambda *_: None)


def main() -> None:
    """Serve the request named on the command line."""
    ignore_terminal()
    supervise(ExecutionRequest.read(Path(sys.argv[1])))
    # All is written, and somebody waits: no interpreter shutdown.
    os._exit(0)
