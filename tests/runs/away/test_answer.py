from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.records import Cause, Cell, CellStatus, MetricPoint, Pin, RunKind, RunStatus
from nightbook.runs.away.answer import Answer, Letter, News, outcome_in
from nightbook.runs.facts import NewRun, Outcome
from nightbook.runs.ledger import Ledger
from nightbook.runs.liveness import SupervisorProcess

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
OUTCOME = Outcome(
    status=RunStatus.FAILED,
    cause=Cause.CELL_ERROR,
    message="ValueError: ü (in cell 2)",
    ended_at=AT,
    duration_seconds=1.5,
    peak_memory_bytes=12,
    metrics=(MetricPoint(name="loss", value=math.inf, step=3, at=AT, better="lower", tolerance=0.1, unit="s"),),
    outputs=(Pin(name="model", uri="data/m", digest="sha256:ab", size_bytes=3),),
    cells=(Cell(index=0, status=CellStatus.SUCCEEDED, duration_seconds=0.1), Cell(index=2, status=CellStatus.FAILED)),
    executed_notebook=".nightbook/runs/x/executed.ipynb",
    report=".nightbook/runs/x/report.html",
    reusable=False,
    logged_parameters={"rows": 3},
    artifacts=("artifacts/plot.png",),
)


def test_an_answer_says_after_its_way_what_it_said_before() -> None:
    answer = Answer(attempt="a", worker="tcp://w", began_at=1.5, outcome=OUTCOME, files="sha256:cd")
    assert Answer.from_json(answer.to_json()) == answer


def test_letters_and_news_say_after_their_way_what_they_said_before() -> None:
    letter = Letter(attempt="a", offset=3, has_prepared=True, wish="cancel", tracking="{}")
    news = News(attempt="a", worker="w", began_at=1.5, offset=3, events="ü\n", prepared="{}")
    assert (Letter.from_json(letter.to_json()), News.from_json(news.to_json())) == (letter, news)


def test_what_one_ledger_holds_can_be_recorded_in_another(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/one.sqlite") as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
        ledger.start(run.run_id, SupervisorProcess.this())
        ledger.finish(run.run_id, OUTCOME)
        assert outcome_in(ledger, run.run_id) == OUTCOME
