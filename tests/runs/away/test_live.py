from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.away.answer import News
from nightbook.runs.away.live import AwayRun
from nightbook.runs.request import CANCEL, EVENTS, LOG, PREPARED, TRACKING, WORKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs.away.conftest import Traveller


@pytest.fixture
def live(traveller: Callable[..., Traveller]) -> AwayRun:
    one = traveller()
    return AwayRun(one.run, one.request)


def line(kind: str, **fields: object) -> str:
    return json.dumps({"event": kind, "at": 1.0, **fields}) + "\n"


FIRST = line("prepared", cells=3) + line("cell_ended", position=0, status="succeeded")
SECOND = line("output", position=1, line="half")


def test_what_arrives_is_in_the_folder_as_if_it_ran_here(live: AwayRun) -> None:
    live.hear(News(attempt="a", worker="w", began_at=1.0, events=FIRST, prepared="{}"))
    assert (live.follow().cells_done, live.follow().cells_total) == (1, 3)
    live.hear(News(attempt="a", worker="w", began_at=1.0, offset=len(FIRST), events=SECOND))
    assert live.follow().last_line == "half"
    assert (live.folder / EVENTS).read_text() == FIRST + SECOND
    assert (live.folder / PREPARED).read_text() == "{}"
    assert json.loads((live.folder / WORKER).read_text()) == {"worker": "w", "began_at": 1.0, "died_before": []}


def test_a_letter_asks_for_what_is_not_there_yet(live: AwayRun) -> None:
    assert (live.letter().attempt, live.letter().offset, live.letter().has_prepared) == ("", 0, False)
    live.hear(News(attempt="a", worker="w", began_at=1.0, events=FIRST, prepared="{}"))
    letter = live.letter()
    assert (letter.attempt, letter.offset, letter.has_prepared) == ("a", len(FIRST), True)


def test_an_answer_that_comes_too_late_adds_nothing(live: AwayRun) -> None:
    live.hear(News(attempt="a", worker="w", began_at=1.0, events=FIRST))
    live.hear(News(attempt="a", worker="w", began_at=1.0, events=FIRST))
    assert (live.folder / EVENTS).read_text() == FIRST


def test_another_attempt_begins_anew_and_the_death_is_noted(live: AwayRun) -> None:
    live.hear(News(attempt="a", worker="one", began_at=1.0, events=FIRST + SECOND, prepared="{}"))
    live.follow()
    live.hear(News(attempt="b", worker="two", began_at=2.0, events=FIRST))
    assert live.follow().cells_done == 1
    assert live.deaths == ["one"]
    assert json.loads((live.folder / WORKER).read_text())["worker"] == "two"
    assert not live.letter().has_prepared


def test_it_hears_of_a_wish_from_here_and_from_another_terminal(live: AwayRun) -> None:
    assert live.wish == ""
    (live.folder / CANCEL).touch()
    assert live.letter().wish == "cancel"
    live.kill()
    assert live.letter().wish == "kill"
    live.cancel()
    assert live.letter().wish == "kill"


def test_what_mlflow_is_to_know_is_handed_on(live: AwayRun) -> None:
    live.request = replace(live.request, awaits_tracking=True)
    assert live.letter().tracking == ""
    (live.folder / TRACKING).write_text('{"MLFLOW_RUN_ID": "1"}')
    assert live.letter().tracking == '{"MLFLOW_RUN_ID": "1"}'


def test_what_nobody_has_foreseen_stands_in_the_log(live: AwayRun) -> None:
    ending: Future[None] = Future()
    ending.set_exception(RuntimeError("nobody thought of this"))
    live.end_with(ending)
    assert live.is_ended
    live.close()
    assert "RuntimeError: nobody thought of this" in (live.folder / LOG).read_text()
