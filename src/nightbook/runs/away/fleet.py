"""All runs of one command that are away: sent, followed, looked after in the ledger, brought home."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import LedgerError, NightbookError, StorageError
from nightbook.plugins.executors import Errand, Reply, Stand
from nightbook.records import Cause, RunStatus
from nightbook.runs.away.answer import Answer, News
from nightbook.runs.away.homecoming import bring_home, record
from nightbook.runs.away.live import AwayRun
from nightbook.runs.facts import Outcome
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.request import REQUEST, WORKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from nightbook.pipelines.stage import Stage
    from nightbook.plugins.executors import Executor
    from nightbook.records import Run
    from nightbook.runs.away.luggage import Packer
    from nightbook.runs.ledger import Ledger
    from nightbook.runs.request import ExecutionRequest

FOLLOW_SECONDS = 0.25
MOST_DEATHS = 2
PATIENT_LETTERS = 20
_CARRIERS = 4


class Fleet:
    """Gives runs to an executor and records what becomes of them; the ledger is the client's, wherever it is.

    Args:
        ledger: Where the runs are recorded; threads share it.
        open_executor: Called when it is needed first.
        packer: Makes what travels.
        heartbeat_seconds: How often the ledger hears that the runs are looked after.
    """

    def __init__(
        self, ledger: Ledger, open_executor: Callable[[], Executor], packer: Packer, *, heartbeat_seconds: float
    ) -> None:
        self._ledger = ledger
        self._open_executor = open_executor
        self._packer = packer
        self._heartbeat_seconds = heartbeat_seconds
        self._opened: Executor | None = None
        self._opening = threading.Lock()
        self._lives: dict[str, AwayRun] = {}
        self._is_over = threading.Event()
        self._carriers = ThreadPoolExecutor(_CARRIERS, thread_name_prefix="carrier")
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="fleet")
        self._duties = [self._threads.submit(self._follow), self._threads.submit(self._beat)]
        for duty in self._duties:
            duty.add_done_callback(self._end_all)

    def capacity(self) -> int:
        """How many runs the executor can carry out at once.

        Raises:
            NightbookError: It cannot be reached.
        """
        return self._executor().capacity()

    def begin(self, run: Run, request: ExecutionRequest, stage: Stage) -> AwayRun:
        """Send a pending run on its way; returns at once."""
        live = AwayRun(run, request)
        request.write(live.folder / REQUEST)
        # Says that a cancellation is to be left in the folder: the process that looks after the run looks after others.
        (live.folder / WORKER).write_text("{}", encoding="utf-8")
        sending = self._carriers.submit(self._send, live, stage)
        # What nobody has foreseen ends the run, too: as lost.
        sending.add_done_callback(lambda done: live.end_with(done) if done.exception() else None)
        self._lives[run.run_id] = live
        return live

    def close(self) -> None:
        """Withdraw what is still away, and let the executor go."""
        self._is_over.set()
        self._carriers.shutdown(cancel_futures=True)
        self._threads.shutdown()
        with self._opening:
            if self._opened is not None:
                self._opened.close()
        for duty in self._duties:
            duty.result()

    def _executor(self) -> Executor:
        with self._opening:
            if self._opened is None:
                self._opened = self._open_executor()
            return self._opened

    def _send(self, live: AwayRun, stage: Stage) -> None:
        try:
            order, cargo = self._packer.pack(stage, live.request)
            label = f"{stage.name}-{live.run.fingerprint.rpartition(':')[2][:16]}"
            errand = Errand(run_id=live.run.run_id, label=label, document=order.to_json(), cargo=cargo)
            self._executor().send(errand)
            live.is_sent = True
        except NightbookError as error:
            said = "; try: ".join(filter(None, [error.message, error.remedy]))
            self._end(live, Outcome(status=RunStatus.FAILED, message=f"it could not be sent to a worker: {said}"))

    def _follow(self) -> None:
        while not self._is_over.wait(FOLLOW_SECONDS):
            away = {run_id: live for run_id, live in list(self._lives.items()) if live.is_sent and not live.is_ending}
            letters = {run_id: live.letter().to_json() for run_id, live in away.items()}
            replies = self._executor().exchange(letters) if letters else {}
            for run_id, live in away.items():
                self._take(live, replies.get(run_id, Reply(stand=Stand.WAITING)))

    def _take(self, live: AwayRun, reply: Reply) -> None:
        if reply.stand is Stand.AWAY:
            self._hear(live, News.from_json(reply.text))
        elif reply.stand is Stand.OVER:
            live.end_with(self._carriers.submit(self._bring_home, live, Answer.from_json(reply.text)))
        elif reply.stand is Stand.LOST:
            self._end(live, Outcome(status=RunStatus.FAILED, cause=Cause.LOST, message=reply.text))
        elif live.wish:
            live.unheard += 1
            if not live.attempt or live.unheard > PATIENT_LETTERS:
                self._executor().withdraw(live.run.run_id)
                where = "while its worker was silent" if live.attempt else "before a worker said that it had begun"
                self._end(live, _cancelled(f"interrupted {where}"))

    def _hear(self, live: AwayRun, news: News) -> None:
        live.unheard = 0
        with suppress(OSError, StorageError):  # the disk is full: what was told is asked for again
            live.hear(news)
        if len(live.deaths) > MOST_DEATHS:
            self._executor().withdraw(live.run.run_id)
            message = f"{len(live.deaths)} workers died while they were at it"
            self._end(live, Outcome(status=RunStatus.FAILED, cause=Cause.LOST, message=message))
        else:
            with suppress(LedgerError, StorageError):  # it is asked again with the next news
                self._start(live, news.began_at)

    def _start(self, live: AwayRun, began_at: float) -> None:
        """Record that it runs; this process looks after it."""
        if live.is_started:
            return
        at = datetime.fromtimestamp(began_at, UTC)
        if not self._ledger.start(live.run.run_id, SupervisorProcess.this(), at):
            live.kill()
        live.is_started = True

    def _bring_home(self, live: AwayRun, answer: Answer) -> None:
        with suppress(LedgerError, StorageError):  # the final state says when it began and ended, too
            self._start(live, answer.began_at)
        record(live, bring_home(live, answer, self._packer.store), self._ledger)

    def _end(self, live: AwayRun, outcome: Outcome) -> None:
        live.end_with(self._carriers.submit(record, live, outcome, self._ledger))

    def _end_all(self, duty: Future[None]) -> None:
        """Nobody follows the runs any more, or says that they live: they are not waited for."""
        if duty.exception() is not None:
            for live in list(self._lives.values()):
                live.end_with(duty)

    def _beat(self) -> None:
        """Say of each run that it is looked after: those that wait for a worker, too, and those on their way home."""
        while not self._is_over.wait(self._heartbeat_seconds):
            for run_id, live in list(self._lives.items()):
                if live.is_ended:
                    del self._lives[run_id]
                    continue
                with suppress(LedgerError, StorageError):  # away for a while, or its disk is full: the run goes on
                    if not self._ledger.beat(run_id) and not live.is_ending:
                        live.kill()


def _cancelled(message: str) -> Outcome:
    return Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message=message)
