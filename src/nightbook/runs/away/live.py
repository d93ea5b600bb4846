"""The client's end of a run on a worker: what arrived of it is in the run's folder, as if it ran here."""

from __future__ import annotations

import json
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.files import write_atomically
from nightbook.runs.away.answer import Letter
from nightbook.runs.events import EventReader
from nightbook.runs.launch import Progress, advance
from nightbook.runs.request import CANCEL, EVENTS, LOG, PREPARED, TRACKING, WORKER

if TYPE_CHECKING:
    from concurrent.futures import Future

    from nightbook.records import Run
    from nightbook.runs.away.answer import News
    from nightbook.runs.request import ExecutionRequest


class AwayRun:
    """A run that a worker is at, or will be.

    Args:
        run: The pending run in the ledger.
        request: What to execute, with the client's own paths; its folder exists.
    """

    def __init__(self, run: Run, request: ExecutionRequest) -> None:
        self.run = run
        self.request = request
        self.folder = Path(request.folder)
        self.progress = Progress(started_at=time.time())
        self.is_started = False
        self.is_sent = False
        self.deaths: list[str] = []
        self.unheard = 0
        self.attempt = ""
        self.worker = ""
        self.ending: Future[None] | None = None
        self._wish = ""
        self._offset = 0
        self._has_prepared = False
        self._events = EventReader(self.folder / EVENTS)

    @property
    def is_ended(self) -> bool:
        """All of it is here and recorded, or will never be."""
        return self.ending is not None and self.ending.done()

    @property
    def is_ending(self) -> bool:
        """Its end is known and on its way into the ledger."""
        return self.ending is not None

    def end_with(self, ending: Future[None]) -> None:
        """From now on it is as good as over: when this is done, it is."""
        self.ending = ending

    @property
    def wish(self) -> str:
        """What its client, or somebody at another terminal, wants of it: `cancel`, `kill` or nothing."""
        if not self._wish and (self.folder / CANCEL).exists():
            self._wish = "cancel"
        return self._wish

    def fileno(self) -> int:
        """There is no descriptor that tells of it."""
        return -1

    def follow(self) -> Progress:
        """Progress up to now."""
        for event in self._events.read():
            self.progress = advance(self.progress, event)
        return self.progress

    def cancel(self) -> None:
        """Have the cell that runs interrupted; the run ends as cancelled within seconds."""
        self._wish = self._wish or "cancel"

    def kill(self) -> None:
        """Have the run's processes ended at once; it still ends as cancelled, with all that is known."""
        self._wish = "kill"

    def close(self) -> None:
        """What nobody has foreseen stands in the run's log."""
        problem = self.ending.exception() if self.ending is not None else None
        if problem is not None:
            with suppress(OSError), (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.writelines(traceback.format_exception(problem))

    def letter(self) -> Letter:
        """What to tell the worker now."""
        tracking = ""
        if self.request.awaits_tracking:
            with suppress(OSError):
                tracking = (self.folder / TRACKING).read_text(encoding="utf-8")
        return Letter(
            attempt=self.attempt,
            offset=self._offset,
            has_prepared=self._has_prepared,
            wish=self.wish,
            tracking=tracking,
        )

    def hear(self, news: News) -> None:
        """Put what the worker tells into the run's folder."""
        if news.attempt != self.attempt:
            self._begin_anew(news)
        if news.offset != self._offset:
            return  # an answer that comes too late
        events = news.events.encode()
        if events:
            with (self.folder / EVENTS).open("ab") as stream:
                stream.write(events)
            self._offset += len(events)
        if news.prepared and not self._has_prepared:
            write_atomically(self.folder / PREPARED, news.prepared.encode("utf-8", "surrogatepass"))
            self._has_prepared = True

    def _begin_anew(self, news: News) -> None:
        if self.attempt:
            self.deaths.append(self.worker)
            # A new file, so that who follows it begins anew as well.
            (self.folder / EVENTS).unlink(missing_ok=True)
        self.attempt, self.worker = news.attempt, news.worker
        self._offset, self._has_prepared = 0, False
        place = {"worker": news.worker, "began_at": news.began_at, "died_before": self.deaths}
        write_atomically(self.folder / WORKER, json.dumps(place).encode())
