from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from nightbook.runs.conversation import KEPT_FOR_THE_END_SECONDS, PATIENCE_SECONDS, Conversation

if TYPE_CHECKING:
    import pytest


def test_a_talk_goes_on_as_long_as_mlflow_answers_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, finished = [], Event()

    def answers(uri: str, *, timeout_seconds: float) -> bool:
        asked.append((uri, timeout_seconds))
        if len(asked) == 2:
            finished.set()
        return True

    monkeypatch.setattr("nightbook.runs.conversation.answers", answers)
    assert Conversation("http://slow").hold(lambda: finished.wait(60) and "said") == "said"
    assert len(asked) >= 2


def test_a_talk_in_which_mlflow_falls_silent_is_left_to_itself(silent_port: int) -> None:
    finished = Event()
    conversation = Conversation(f"http://127.0.0.1:{silent_port}")
    assert conversation.hold(lambda: finished.wait(60)) is None
    assert not finished.is_set()
    # One talk at a time: as long as that one hangs, no other can begin.
    assert not conversation.can_begin()
    assert not conversation.can_begin_while_waited_for()
    finished.set()


def test_all_silences_together_are_borne_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, borne = [0.0], []

    def says_nothing(uri: str, *, timeout_seconds: float) -> bool:
        del uri
        borne.append(timeout_seconds)
        clock[0] += timeout_seconds
        return False

    monkeypatch.setattr("nightbook.runs.conversation.answers", says_nothing)
    monkeypatch.setattr("nightbook.runs.conversation.time.monotonic", lambda: clock[0])
    conversation = Conversation("http://hung")
    for _ in range(10):
        assert not conversation.can_begin_while_waited_for(keep_seconds=KEPT_FOR_THE_END_SECONDS)
    assert not conversation.can_begin_while_waited_for()
    assert sum(borne) == PATIENCE_SECONDS
    assert borne[-1] == KEPT_FOR_THE_END_SECONDS
