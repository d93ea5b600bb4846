"""The worker's side: a run carried out in a folder of its own, by the ordinary supervisor, with a ledger of its own.

What the supervisor has written into that ledger is the answer; the client copies it into the true one.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psutil

from nightbook.errors import NightbookError, SettingsError, StorageError
from nightbook.files import file_state, write_atomically
from nightbook.pipelines.archive import unpack
from nightbook.pipelines.store import ContentStore
from nightbook.records import RunKind, RunStatus
from nightbook.runs.away.answer import Answer, Letter, News, outcome_in, without_files
from nightbook.runs.away.environment import environment_digest, environment_listing, refuse_difference
from nightbook.runs.away.order import Order
from nightbook.runs.census import end_processes_of, kill_all
from nightbook.runs.facts import NewRun, Outcome
from nightbook.runs.launch import SupervisedRun
from nightbook.runs.ledger import Ledger
from nightbook.runs.recovery import recover
from nightbook.runs.request import EVENTS, FORK, PREPARED, REQUEST, SOURCE, TRACKING
from nightbook.runs.sockets import remove_sockets
from nightbook.runs.warm.kernels import warm_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLL_SECONDS = 0.1
KILL = "kill"
MOST_EVENT_BYTES = 4_000_000
SUPERVISOR_MODULE = "nightbook.runs.supervise"
_STAY = {REQUEST, SOURCE, TRACKING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where a worker works.

    Attributes:
        folder: The worker's own; what is left in it may go at any time.
        worker: The worker's name, for people.
        is_wanted: False when nobody waits for the answer any more: the client died, or has withdrawn the errand.
    """

    folder: Path
    worker: str
    is_wanted: Callable[[], bool]


WARM_IDLE_SECONDS = 600.0

_AT_WORK: dict[str, Attempt] = {}


def carry_out(document: str, cargo: bytes, bench: Bench) -> str:
    """Carry out a run to its end; returns an `Answer`.

    What keeps it from beginning (another environment, a store out of reach) is a failed run, not an exception.
    """
    attempt = Attempt(Order.from_json(document), bench)
    try:
        return attempt.carry_out(cargo).to_json()
    finally:
        attempt.clear_away()


def answer(letters: Mapping[str, str]) -> dict[str, str]:
    """Give letters to the runs that this worker is at; returns the `News` of each. Takes milliseconds."""
    addressed = {run_id: _AT_WORK.get(run_id) for run_id in letters}
    return {
        run_id: attempt.answer(Letter.from_json(letters[run_id])).to_json()
        for run_id, attempt in addressed.items()
        if attempt is not None
    }


class Attempt:
    """One try of one run on this worker.

    Args:
        order: What to do.
        bench: Where.
    """

    def __init__(self, order: Order, bench: Bench) -> None:
        self._order = order
        self._bench = bench
        self._id = uuid4().hex[:12]
        self._began_at = time.time()
        self._wish = ""
        self._live: SupervisedRun | None = None
        run_id = order.request.run_id
        self._folder = bench.folder / "attempts" / f"{run_id}-{self._id}"
        root = self._folder / "project"
        self._request = order.placed(
            root,
            root / ".nightbook" / "runs" / run_id,
            bench.folder / "state",
            f"sqlite:///{self._folder / 'ledger.sqlite'}",
        )

    def carry_out(self, cargo: bytes) -> Answer:
        """See the function."""
        try:
            end_former_attempts(self._request.run_id)
            self._check_worker()
            if self._request.engine == FORK:
                # It is started while the project is laid out.
                warm_up(self._request.warm_root, self._request.secrets, WARM_IDLE_SECONDS)
            self._lay_out(cargo)
            return self._supervise()
        except NightbookError as error:
            said = "; try: ".join(filter(None, [error.message, error.remedy]))
            return self._answered(Outcome(status=RunStatus.FAILED, message=f"it could not begin: {said}"))

    def answer(self, letter: Letter) -> News:
        """Do what the client wishes, and tell what it has not heard yet."""
        folder = Path(self._request.folder)
        if letter.wish and letter.wish != self._wish:
            self._heed(letter.wish)
        if letter.tracking and self._live is not None and not (folder / TRACKING).exists():
            write_atomically(folder / TRACKING, reachable_tracking(letter.tracking).encode())
        offset = letter.offset if letter.attempt == self._id else 0
        prepared = ""
        if not (letter.has_prepared and letter.attempt == self._id):
            with suppress(OSError):
                prepared = (folder / PREPARED).read_text(encoding="utf-8")
        return News(
            attempt=self._id,
            worker=self._bench.worker,
            began_at=self._began_at,
            offset=offset,
            events=lines_from(folder / EVENTS, offset),
            prepared=prepared,
        )

    def clear_away(self) -> None:
        """Leave nothing behind."""
        if _AT_WORK.get(self._request.run_id) is self:
            del _AT_WORK[self._request.run_id]
        shutil.rmtree(self._folder, ignore_errors=True)

    def _heed(self, wish: str) -> None:
        live = self._live
        if live is not None:
            self._wish = wish
            live.kill() if wish == KILL else live.cancel()

    def _check_worker(self) -> None:
        """Make sure that the worker sees the store, and has the packages of the client.

        Raises:
            SettingsError: One of these is not so.
        """
        store = ContentStore(self._request.store)
        if not store.has(self._order.environment):
            raise SettingsError(
                f"the worker {self._bench.worker} does not see what the client has put into the store "
                f"{self._request.store}",
                remedy='a store that all reach, such as store = "s3://bucket/nightbook"',
            )
        here = environment_listing(self._request.kernel_name, Path(self._request.state) / "cache")
        if environment_digest(here) != self._order.environment:
            listing = self._bench.folder / f"environment-{self._id}.txt"
            store.restore(self._order.environment, listing)
            refuse_difference(listing.read_bytes(), here, self._bench.worker)

    def _lay_out(self, cargo: bytes) -> None:
        """The project as the client has it, and the data that this run reads."""
        request = self._request
        root, folder = Path(request.root), Path(request.folder)
        try:
            unpack(cargo, root)
            Path(request.working_directory).mkdir(parents=True, exist_ok=True)
            folder.mkdir(parents=True, mode=0o700)
            for output in filter(None, (one.path for one in request.outputs)):
                Path(output).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the worker {self._bench.worker} cannot lay out the project: {error}") from error
        store = ContentStore(request.store)
        for pin in request.inputs:
            if pin.digest:
                store.restore(pin.digest, root / pin.uri)
        write_atomically(folder / SOURCE, self._order.source.encode("utf-8", "surrogatepass"))
        self._request = replace(request, modules={uri: file_state(root / uri) for uri in request.modules})

    def _supervise(self) -> Answer:
        request = self._request
        with Ledger.open(request.ledger) as ledger:
            run = ledger.create_run(NewRun(kind=RunKind.STAGE, run_id=request.run_id))
            live = SupervisedRun(run, request)
            self._live = live
            _AT_WORK[request.run_id] = self
            try:
                while not live.is_ended:
                    if self._wish != KILL and not self._bench.is_wanted():
                        self._heed(KILL)
                    time.sleep(POLL_SECONDS)
            finally:
                self._live = None
                live.close()
            run = ledger.get(run.run_id)
            if not run.status.is_final:
                recover(ledger, run, Path(request.folder).parent)
            return self._with_files(outcome_in(ledger, run.run_id))

    def _with_files(self, outcome: Outcome) -> Answer:
        """How it ended stands, whether or not its files find room on their way."""
        try:
            return self._answered(outcome, files=self._packed_files())
        except (StorageError, OSError) as error:
            lost = f"the worker {self._bench.worker} could not send what it left behind"
            return self._answered(without_files(outcome, lost, error))

    def _packed_files(self) -> str:
        """The run's files, on their way through the store."""
        folder = Path(self._request.folder)
        pack = self._folder / "files.tar"
        with tarfile.open(pack, "w") as archive:
            for path in sorted(folder.iterdir()):
                if path.name not in _STAY:
                    archive.add(path, arcname=path.name)
        return ContentStore(self._request.store).put(pack)

    def _answered(self, outcome: Outcome, *, files: str = "") -> Answer:
        return Answer(
            attempt=self._id, worker=self._bench.worker, began_at=self._began_at, outcome=outcome, files=files
        )


def end_former_attempts(run_id: str) -> None:
    """End what a worker that died on this machine has left of the run: its supervisor first, which would end us too."""
    left = [process for process in psutil.process_iter() if _supervises(process, run_id)]
    kill_all(left)
    psutil.wait_procs(left, timeout=5)
    end_processes_of(run_id)
    remove_sockets(run_id)


def _supervises(process: psutil.Process, run_id: str) -> bool:
    try:
        # A process may have given itself a title: then all of it is one word.
        command = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return SUPERVISOR_MODULE in command and run_id in command


def lines_from(path: Path, offset: int) -> str:
    """Whole lines of a file from a byte on, some millions of bytes at most, but at least one line if there is one."""
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            chunk = stream.read(MOST_EVENT_BYTES)
            if b"\n" not in chunk:
                chunk += stream.readline()
    except OSError:
        return ""
    return chunk[: chunk.rfind(b"\n") + 1].decode("utf-8", "replace")


def reachable_tracking(text: str) -> str:
    """What the client says of MLflow, or nothing when that is a file on the client's disk."""
    uri = str(json.loads(text).get("MLFLOW_TRACKING_URI", ""))
    path = uri.partition("sqlite:///")[2]
    return "{}" if path and not Path(path).exists() else text
