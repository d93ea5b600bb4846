from __future__ import annotations

import signal
import threading

from nightbook.workflow.signals import signals_to


def test_a_signal_is_passed_on_and_what_heard_it_before_hears_it_again() -> None:
    before = signal.getsignal(signal.SIGTERM)
    heard: list[bool] = []
    with signals_to(lambda: heard.append(True)):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert heard == [True, True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_to(lambda: None):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_beside_the_main_one_leaves_signals_alone() -> None:
    seen: list[object] = []

    def look() -> None:
        with signals_to(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
