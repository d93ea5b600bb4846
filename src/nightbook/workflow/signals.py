"""Signals that ask for an end, heard between two steps."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nightbook.systems import OF_THE_TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def signals_to(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Whoever wants an end is heard between two steps; signals that are ignored, as under `nohup`, stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, *OF_THE_TERMINAL)
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number in numbers if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, lambda *_: ask_to_stop())
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
