"""Runs on the workers of a Dask cluster: one of this machine's own, or one at an address."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future as Pending
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import dask
from distributed import Client, Future, LocalCluster, get_worker

from nightbook.errors import ExecutorError
from nightbook.plugins.executors import Reply, Stand
from nightbook.runs.away.attempt import Bench, answer, carry_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nightbook.plugins.executors import Cargo, Errand
    from nightbook.settings import Settings

CONNECT_SECONDS = 20
REPLY_SECONDS = 1.0
_POLLERS = 16
_WANTED = frozenset({"executing", "long-running"})
# A result that was lost with its worker is computed again: that is no end.
_ENDED = frozenset({"finished", "error", "cancelled"})
_LEAVING = frozenset({"closing", "closed", "failed"})


def open_executor(settings: Settings, address: str) -> DaskExecutor:
    """Connect to the scheduler at an address; without one, start a cluster on this machine.

    Raises:
        ExecutorError: The scheduler cannot be reached.
    """
    if not address:
        cluster = _local_cluster(settings)
        return DaskExecutor(_connected(cluster, address), cluster)
    return DaskExecutor(_connected(address, address))


def _local_cluster(settings: Settings) -> LocalCluster:
    # Nobody looks at pages of a cluster that is gone in a moment.
    no_pages: dict[str, list[str]] = {"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}
    try:
        with dask.config.set(no_pages):
            return LocalCluster(
                n_workers=settings.jobs,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                # Whoever reaches a scheduler can run code as its user: without a certificate, anybody on the machine.
                security=True,
                silence_logs=logging.CRITICAL,
                local_directory=str(settings.state / "dask"),
            )
    except (OSError, RuntimeError) as error:
        raise ExecutorError(
            f"no Dask cluster could be started on this machine: {error}",
            remedy="in a program of your own, call Nightbook below `if __name__ == '__main__':`",
        ) from error


def _connected(place: Any, address: str) -> Client:  # noqa: ANN401 - a cluster or an address
    try:
        # An address without a scheme: Dask's own settings say whether it is tcp or tls.
        return Client(place, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ExecutorError(
            f"no Dask scheduler answers at {address or 'this machine'}: {error}", remedy="check the setting 'executor'"
        ) from None


class DaskExecutor:
    """See `nightbook.plugins.executors.Executor`.

    Dask itself gives a dead worker's tasks to another one. News are asked for, and not sent by the workers: what the
    client has no time for waits on the worker's disk instead of in the scheduler's memory.

    Args:
        client: Connected.
        cluster: Closed with it; None for a cluster that others look after.
    """

    def __init__(self, client: Client, cluster: LocalCluster | None = None) -> None:
        self._client = client
        self._cluster = cluster
        self._futures: dict[str, Future[str]] = {}
        self._cargoes: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()
        self._pollers = ThreadPoolExecutor(_POLLERS, thread_name_prefix="dask")
        self._asked: dict[str, Pending[dict[str, str]]] = {}
        self._endings: dict[str, Pending[Reply]] = {}

    def capacity(self) -> int:
        """The threads of all workers."""
        threads: Mapping[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def send(self, errand: Errand) -> None:
        """Submit it; what the project holds goes from worker to worker, once for each."""
        future = self._client.submit(
            _carry_out,
            errand.document,
            self._cargo(errand.cargo),
            key=f"{errand.label}-{errand.run_id}",
            pure=False,
        )
        with self._lock:
            self._futures[errand.run_id] = future

    def exchange(self, letters: Mapping[str, str]) -> Mapping[str, Reply]:
        """Ask each worker that has some of the runs, all at the same time; one that hangs is not waited for."""
        with self._lock:
            futures = {run_id: self._futures[run_id] for run_id in letters if run_id in self._futures}
        done = {run_id: future for run_id, future in futures.items() if future.status in _ENDED}
        replies = self._heard_endings(done)
        for run_id, text in self._ask({run_id: letters[run_id] for run_id in futures if run_id not in done}).items():
            replies[run_id] = Reply(stand=Stand.AWAY, text=text)
        return replies

    def _heard_endings(self, done: Mapping[str, Future[str]]) -> dict[str, Reply]:
        """How runs ended; what takes long is heard later, for a result is let go once it was read."""
        for run_id, future in done.items():
            if run_id not in self._endings:
                self._endings[run_id] = self._pollers.submit(_ending, future)
        wait([self._endings[run_id] for run_id in done], timeout=REPLY_SECONDS)
        replies: dict[str, Reply] = {}
        for run_id in done:
            # What went wrong on the way is asked for again.
            if self._endings[run_id].done() and (reply := _result(self._endings.pop(run_id), None)) is not None:
                replies[run_id] = reply
                self._forget(run_id)
        return replies

    def withdraw(self, run_id: str) -> None:
        """Cancel its task; the worker sees that nobody wants it."""
        future = self._forget(run_id)
        if future is not None:
            with suppress(OSError, TimeoutError):
                future.cancel(asynchronous=False, force=True)

    def close(self) -> None:
        """Release everything: what workers still do for this client, they end."""
        self._pollers.shutdown(wait=False, cancel_futures=True)
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=REPLY_SECONDS)
        if self._cluster is not None:
            self._cluster.close(timeout=CONNECT_SECONDS)

    def _cargo(self, cargo: Cargo) -> Future[bytes]:
        """A task that gives the bytes, and not scattered bytes: Dask makes it again when a worker takes it along."""
        with self._lock:
            if cargo.digest not in self._cargoes:
                with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                    self._cargoes[cargo.digest] = self._client.submit(
                        _unchanged, cargo.content, key=f"nightbook-project-{cargo.digest.rpartition(':')[2]}"
                    )
            return self._cargoes[cargo.digest]

    def _ask(self, letters: Mapping[str, str]) -> dict[str, str]:
        for worker, run_ids in self._whereabouts(letters).items():
            if worker not in self._asked:
                theirs = {run_id: letters[run_id] for run_id in run_ids}
                self._asked[worker] = self._pollers.submit(self._ask_one, worker, theirs)
        wait(self._asked.values(), timeout=REPLY_SECONDS)
        told: dict[str, str] = {}
        for worker, asked in list(self._asked.items()):
            if asked.done():
                del self._asked[worker]
                told |= _result(asked, {})
        return {run_id: text for run_id, text in told.items() if run_id in letters}

    def _ask_one(self, worker: str, letters: dict[str, str]) -> dict[str, str]:
        answers = self._client.run(answer, letters, workers=[worker], on_error="ignore")
        return cast("dict[str, str]", answers.get(worker, {}))

    def _whereabouts(self, letters: Mapping[str, str]) -> dict[str, list[str]]:
        """The runs that each worker has, begun or not, as the scheduler knows; nothing while it does not answer."""
        if not letters:
            return {}
        asked = self._pollers.submit(self._client.processing)
        wait([asked], timeout=REPLY_SECONDS)
        found: Mapping[str, tuple[object, ...]] = _result(asked, {})
        by_key = {self._futures[run_id].key: run_id for run_id in letters if run_id in self._futures}
        places = {worker: [by_key[key] for key in keys if key in by_key] for worker, keys in found.items()}
        return {worker: run_ids for worker, run_ids in places.items() if run_ids}

    def _forget(self, run_id: str) -> Future[str] | None:
        with self._lock:
            return self._futures.pop(run_id, None)


def _result(pending: Pending[Any], otherwise: Any) -> Any:  # noqa: ANN401 - whatever was asked for
    """What came of it; nothing as long as it is not there, or when the other side is gone."""
    return pending.result() if pending.done() and pending.exception() is None else otherwise


def _ending(future: Future[str]) -> Reply:
    """How a task ended; its result is let go at once, or its worker's death would have it computed again."""
    if future.status == "finished":
        text = str(future.result(timeout=CONNECT_SECONDS))
        future.release()
        return Reply(stand=Stand.OVER, text=text)
    problem = future.exception(timeout=REPLY_SECONDS) if future.status == "error" else None
    why = f"{type(problem).__name__}: {problem}" if problem is not None else "the Dask scheduler is gone"
    return Reply(stand=Stand.LOST, text=f"the cluster could not carry it out: {why}")


def _unchanged(content: bytes) -> bytes:
    return content


def _carry_out(document: str, cargo: bytes) -> str:
    """The task, in a thread of a worker."""
    worker = get_worker()
    bench = Bench(
        folder=Path(worker.local_directory) / "nightbook",
        worker=str(worker.address),
        is_wanted=_wanted_by(worker, str(worker.get_current_task())),
    )
    return carry_out(document, cargo, bench)


def _wanted_by(worker: Any, key: str) -> Callable[[], bool]:  # noqa: ANN401 - Dask types little
    def is_wanted() -> bool:
        # The scheduler has a task cancelled whose client is gone or has withdrawn it.
        state = worker.state.tasks.get(key)
        return state is not None and state.state in _WANTED and worker.status.value not in _LEAVING

    return is_wanted
