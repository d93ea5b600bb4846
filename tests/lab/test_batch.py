from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.lab.batch import Correspondent, serve
from nightbook.lab.order import Order
from nightbook.pipelines.plan import Plan
from nightbook.runs.launch import Progress
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = StageView(name="a", state=StageState.RUNNING, progress=Progress(cells_done=1, cells_total=3, last_line="é"))
DONE = StageView(name="a", state=StageState.SUCCEEDED)


def said(channel: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in channel.getvalue().splitlines()]


def test_each_change_of_a_run_is_one_line() -> None:
    channel = io.StringIO()
    correspondent = Correspondent(channel)
    correspondent.waiting("another")
    correspondent.planned(Plan(decisions=()))
    correspondent.update([RUNNING])
    correspondent.update([DONE])
    correspondent.publishing("reports")
    lines = said(channel)
    assert [next(iter(line)) for line in lines] == ["waiting", "is_up_to_date", "stages", "stages", "publishing"]
    assert lines[2]["stages"][0]["last_line"] == "é"
    assert lines[3]["stages"] == [{"name": "a", "state": "succeeded"}]


def test_who_waits_is_listed_though_only_changes_are_told() -> None:
    channel = io.StringIO()
    correspondent = Correspondent(channel)
    correspondent.begun([StageView(name=name, state=StageState.WAITING) for name in "ab"])
    correspondent.update([RUNNING])
    assert [one["state"] for one in said(channel)[0]["stages"]] == ["running", "waiting"]


def test_updates_are_rationed_but_the_last_one_always_arrives() -> None:
    channel = io.StringIO()
    correspondent = Correspondent(channel)
    for _ in range(50):
        correspondent.update([RUNNING])
    correspondent.update([DONE])
    correspondent.update([DONE])
    assert len(said(channel)) == 2


def test_the_first_two_requests_to_stop_interrupt_where_a_run_expects_it() -> None:
    correspondent = Correspondent(io.StringIO())
    correspondent.ask_to_stop()
    correspondent.ask_to_stop()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            correspondent.update([RUNNING])
    correspondent.ask_to_stop()
    correspondent.update([RUNNING])


def test_a_run_that_is_over_is_not_interrupted() -> None:
    correspondent = Correspondent(io.StringIO())
    correspondent.ask_to_stop()
    correspondent.update([DONE])


def test_a_wait_for_another_run_is_broken_off() -> None:
    correspondent = Correspondent(io.StringIO())
    correspondent.waiting("another")
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes between two steps
        correspondent.ask_to_stop()
        while True:
            pass


def test_nobody_needs_to_listen() -> None:
    channel = io.StringIO()
    correspondent = Correspondent(channel)
    channel.write = lambda _: (_ for _ in ()).throw(BrokenPipeError)  # type: ignore[method-assign] # a pipe whose reader is gone
    correspondent.publishing("reports")


def test_what_is_wrong_with_an_order_is_answered(lab_project: Path) -> None:
    channel = io.StringIO()
    order = Order(notebook=str(lab_project / "notebooks" / "study.ipynb"), parameters={"moth": 7})
    serve(io.StringIO(order.to_line() + "\n"), channel)
    (answer,) = said(channel)
    assert answer["error"] == "unknown parameter 'moth' in stage 'study'"
    assert answer["remedy"] == "did you mean 'month'?"


def test_an_order_whose_sender_is_gone_starts_nothing(lab_project: Path) -> None:
    channel = io.StringIO()
    order = Order(notebook=str(lab_project / "notebooks" / "study.ipynb"), parameters={})
    serve(io.StringIO(order.to_line() + "\n"), channel)
    assert said(channel)[-1]["error"] == "cancelled before anything ran"
