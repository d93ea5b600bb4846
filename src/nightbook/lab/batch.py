"""A run in a process beside a notebook's kernel, so that the kernel stays free: `python -m nightbook.lab.batch`.

It takes its order as the first line on standard input and answers with lines of JSON on standard output. Any further
line asks it to stop; so does the end of its input, which comes when the kernel is gone, however it went.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from nightbook.errors import NightbookError
from nightbook.lab.order import Order
from nightbook.workflow.api import run
from nightbook.workflow.execution import PATIENT_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.pipelines.plan import Plan
    from nightbook.records import Run
    from nightbook.workflow.requests import StageView

UPDATE_SECONDS = 0.4


class Correspondent:
    """Watches a run for somebody in another process, and stops it when they say so.

    It interrupts only where a run expects it: while it updates, or before anything has started.

    Args:
        channel: Takes the lines.
    """

    def __init__(self, channel: TextIO) -> None:
        self._channel = channel
        self._next_update = 0.0
        self._last: object = None
        self._stages: dict[str, StageView] = {}
        self._asked = 0
        self._heeded = 0
        self._is_waiting = False

    def ask_to_stop(self) -> None:
        """From any thread: interrupt what runs; asked again, kill it."""
        self._asked += 1
        if self._is_waiting:
            # Nothing has begun: the wait for another run of the project may simply be broken off.
            _thread.interrupt_main()

    def send(self, **words: object) -> None:
        """Write one line; nobody may be there any more to read it."""
        with suppress(OSError):
            self._channel.write(json.dumps(words) + "\n")
            self._channel.flush()

    def waiting(self, reason: str) -> None:
        """Say that something else must end first."""
        self.send(waiting=reason)
        self._is_waiting = True
        self._heed()

    def planned(self, plan: Plan) -> None:
        """Say whether there is anything to do."""
        self._is_waiting = False
        self._heed()
        self.send(is_up_to_date=plan.is_up_to_date)

    def begun(self, stages: Sequence[StageView]) -> None:
        """Note what there is; nothing of it has started."""
        self._stages = {stage.name: stage for stage in stages}

    def update(self, stages: Sequence[StageView]) -> None:
        """Say how far each stage is, at most a few times a second."""
        self._stages |= {stage.name: stage for stage in stages}
        is_over = all(stage.state.is_settled for stage in self._stages.values())
        if not is_over:
            self._heed()
        now = time.monotonic()
        if now < self._next_update and not is_over:
            return
        self._next_update = now + UPDATE_SECONDS
        words = [_stage_words(stage) for stage in self._stages.values()]
        if words != self._last:
            self._last = words
            self.send(stages=words)

    def leads(self, name: str, run: Run, metric: str) -> None:
        """Nothing: what is run from a notebook is no sweep."""

    def publishing(self, reason: str) -> None:
        """Say what is still at work."""
        self.send(publishing=reason)

    def _heed(self) -> None:
        if min(self._asked, PATIENT_SIGNALS) > self._heeded:
            self._heeded += 1
            signal.raise_signal(signal.SIGINT)


def _stage_words(stage: StageView) -> dict[str, object]:
    words: dict[str, object] = {"name": stage.name, "state": stage.state.value}
    if stage.progress is not None and not stage.state.is_settled:
        words |= {
            "cells_done": stage.progress.cells_done,
            "cells_total": stage.progress.cells_total,
            "last_line": stage.progress.last_line,
            "elapsed_seconds": round(stage.progress.elapsed_seconds),
        }
    return words


def serve(orders: TextIO, channel: TextIO) -> None:
    """Run what is ordered and say how it ended."""
    order = Order.from_line(orders.readline())
    correspondent = Correspondent(channel)
    threading.Thread(target=_listen, args=(orders, correspondent), daemon=True).start()
    try:
        record = run(order.notebook, parameters=order.parameters, force=order.is_forced, watcher=correspondent)
        correspondent.send(run=record.to_json())
    except NightbookError as error:
        correspondent.send(error=error.message, remedy=error.remedy)
    except KeyboardInterrupt:
        correspondent.send(error="cancelled before anything ran")


def _listen(orders: TextIO, correspondent: Correspondent) -> None:
    for _ in orders:
        correspondent.ask_to_stop()
    correspondent.ask_to_stop()


def main() -> None:
    """Keep standard output for the answers: what a library prints goes where errors go."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as channel:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin, channel)


if __name__ == "__main__":
    main()
