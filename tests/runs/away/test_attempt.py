from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil

from nightbook.pipelines.store import ContentStore
from nightbook.records import Cause, RunStatus
from nightbook.runs.away.answer import Answer, Letter, News
from nightbook.runs.away.attempt import Bench, answer, carry_out, end_former_attempts, lines_from, reachable_tracking
from nightbook.runs.census import processes_of
from nightbook.runs.launch import SupervisedRun
from nightbook.runs.request import REQUEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from tests.runs.away.conftest import Traveller

FOREVER = 'import time\nprint("at it", flush=True)\nwhile True:\n    time.sleep(0.05)'
PATIENCE_SECONDS = 120


def bench_in(folder: Path, is_wanted: Callable[[], bool] = lambda: True) -> Bench:
    return Bench(folder=folder / "worker", worker="tcp://w", is_wanted=is_wanted)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def news_of(run_id: str, **letter: object) -> News | None:
    told = answer({run_id: Letter(**letter).to_json()})  # type: ignore[arg-type]  # of the fields' own types
    return News.from_json(told[run_id]) if run_id in told else None


def test_a_run_is_carried_out_and_nothing_of_it_stays(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller()
    order, cargo = one.packed()
    # Another machine has no such project.
    (tmp_path / "project").rename(tmp_path / "hidden")
    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    assert (ended.outcome.status, ended.outcome.message) == (RunStatus.SUCCEEDED, "")
    assert [(pin.uri, pin.size_bytes) for pin in ended.outcome.outputs] == [("data/out.txt", 4)]
    store = ContentStore(one.settings.store)
    assert store.has(ended.files)
    assert store.has(ended.outcome.outputs[0].digest)
    assert list((tmp_path / "worker" / "attempts").iterdir()) == []
    assert news_of(one.run.run_id) is None


def test_a_failure_of_the_notebook_is_its_own(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    order, cargo = traveller("1 / 0").packed()
    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    assert (ended.outcome.status, ended.outcome.cause) == (RunStatus.FAILED, Cause.CELL_ERROR)
    assert ended.outcome.message == "ZeroDivisionError: division by zero (in cell 1)"


def test_a_store_that_the_worker_does_not_see_is_said(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    order, cargo = traveller().packed()
    order = replace(order, request=replace(order.request, store=str(tmp_path / "own disk")))
    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    assert ended.outcome.status is RunStatus.FAILED
    assert "the worker tcp://w does not see what the client has put into the store" in ended.outcome.message


def test_a_secret_that_the_worker_lacks_is_a_failure_that_names_it(
    traveller: Callable[..., Traveller], tmp_path: Path
) -> None:
    order, cargo = traveller().packed()
    order = replace(order, request=replace(order.request, secrets=("env:ONLY_THE_CLIENT_HAS_IT",)))
    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    assert "the environment variable ONLY_THE_CLIENT_HAS_IT is not set" in ended.outcome.message


def test_it_tells_what_happens_and_does_what_the_client_wishes(
    traveller: Callable[..., Traveller], tmp_path: Path
) -> None:
    one = traveller(FOREVER)
    order, cargo = one.packed()
    answers: list[str] = []
    work = threading.Thread(
        target=lambda: answers.append(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    )
    work.start()
    try:
        until(lambda: (news := news_of(one.run.run_id)) is not None and "at it" in news.events)
        first = news_of(one.run.run_id)
        assert first is not None
        assert json.loads(first.prepared)["cells"]
        rest = news_of(one.run.run_id, attempt=first.attempt, offset=len(first.events), has_prepared=True)
        assert rest is not None
        assert ("at it" in rest.events, rest.prepared) == (False, "")
    finally:
        news_of(one.run.run_id, wish="cancel")
        work.join(PATIENCE_SECONDS)
    outcome = Answer.from_json(answers[0]).outcome
    assert (outcome.status, outcome.message) == (RunStatus.CANCELLED, "interrupted in cell 1")


def test_what_nobody_wants_any_more_is_ended(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller(FOREVER)
    order, cargo = one.packed()

    def is_wanted() -> bool:
        news = news_of(one.run.run_id)
        return news is None or "at it" not in news.events

    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path, is_wanted)))
    assert (ended.outcome.status, ended.outcome.cause) == (RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert processes_of(one.run.run_id) == []


def test_what_a_dead_worker_left_on_this_machine_is_ended_first(traveller: Callable[..., Traveller]) -> None:
    one = traveller(FOREVER)
    one.request.write(one.settings.runs_folder / one.run.run_id / REQUEST)
    left = SupervisedRun(one.run, one.request)
    until(lambda: left.follow().last_line == "at it")
    end_former_attempts(one.run.run_id)
    left.wait()
    left.close()
    assert not psutil.pid_exists(left.pid)
    assert processes_of(one.run.run_id) == []


def test_events_are_told_by_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "events"
    assert lines_from(file, 0) == ""
    file.write_text("one\ntwo, which is long\nthr")
    assert lines_from(file, 0) == "one\ntwo, which is long\n"
    assert lines_from(file, 4) == "two, which is long\n"
    monkeypatch.setattr("nightbook.runs.away.attempt.MOST_EVENT_BYTES", 2)
    assert lines_from(file, 0) == "one\n"
    assert lines_from(file, 4) == "two, which is long\n"
    assert lines_from(file, 23) == ""


def test_an_mlflow_on_the_disk_of_the_client_is_none_of_the_worker(tmp_path: Path) -> None:
    far = '{"MLFLOW_TRACKING_URI": "http://mlflow.example", "MLFLOW_RUN_ID": "1"}'
    assert reachable_tracking(far) == far
    assert reachable_tracking("{}") == "{}"
    near = json.dumps({"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.sqlite"})
    assert reachable_tracking(near) == "{}"
    (tmp_path / "mlflow.sqlite").touch()
    assert reachable_tracking(near) == near


def test_how_a_run_ended_stands_when_its_files_cannot_be_sent(
    traveller: Callable[..., Traveller], tmp_path: Path
) -> None:
    breaks = f"import os\nos.rename({str(tmp_path / 'store')!r}, {str(tmp_path / 'gone')!r})\nopen({str(tmp_path / 'store')!r}, 'w').close()"
    order, cargo = traveller(breaks, "1 / 0").packed()
    ended = Answer.from_json(carry_out(order.to_json(), cargo.content, bench_in(tmp_path)))
    assert (ended.outcome.status, ended.outcome.cause, ended.files) == (RunStatus.FAILED, Cause.CELL_ERROR, "")
    assert "ZeroDivisionError" in ended.outcome.message
    assert "the worker tcp://w could not send what it left behind" in ended.outcome.message
