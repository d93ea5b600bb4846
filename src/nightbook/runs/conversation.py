"""Talking with an MLflow that may fall silent."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar

from nightbook.runs.probe import answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

Said = TypeVar("Said")

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
