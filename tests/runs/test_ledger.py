from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from nightbook.errors import LedgerError
from nightbook.records import Cause, Cell, CellStatus, MetricPoint, Pin, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome, SupervisorProcess
from nightbook.runs.schema import heartbeats, transitions

if TYPE_CHECKING:
    from pathlib import Path

PIN = Pin(name="flights", uri="data/flights.parquet", digest="sha256:ab", size_bytes=10)
TRAIN = NewRun(
    kind=RunKind.STAGE,
    stage="train",
    notebook="notebooks/train.ipynb",
    parameters={"month": 6, "ratio": 0.1, "name": "007", "none": None, "many": [1, {"a": "é"}]},
    fingerprint="f00",
    fingerprint_parts={"code cell 3": "ab"},
    git_commit="c0ffee",
    git_dirty=True,
    inputs=(PIN,),
    user="ada",
    tags={"why": "test"},
)
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
GONE = SupervisorProcess(host="here", pid=2**22 + 1, pid_started_at=1.0, pid_space=SupervisorProcess.this().pid_space)
ELSEWHERE = SupervisorProcess(host="there", pid=1, pid_started_at=1.0, pid_space="another boot")


def started(ledger: Ledger, supervisor: SupervisorProcess | None = None, parent: str | None = None) -> str:
    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train", parent_run_id=parent))
    assert ledger.start(run.run_id, supervisor or SupervisorProcess.this())
    return run.run_id


def silence(ledger: Ledger, run_id: str, seconds: float) -> None:
    changed = {"at": heartbeats.c.at - seconds, "monotonic": heartbeats.c.monotonic - seconds}
    with ledger.engine.begin() as connection:
        connection.execute(update(heartbeats).where(heartbeats.c.run_id == run_id).values(**changed))


def test_a_new_run_reads_back_as_it_was_recorded(ledger: Ledger) -> None:
    created = ledger.create_run(TRAIN)
    assert created.status is RunStatus.PENDING
    assert created.number == 1
    assert created.parameters == TRAIN.parameters
    assert ledger.get(created.run_id) == created


def test_a_run_that_ended_reads_back_with_all_its_facts(ledger: Ledger) -> None:
    run_id = ledger.create_run(TRAIN).run_id
    ledger.start(run_id, SupervisorProcess.this())
    running = ledger.get(run_id)
    assert running.status is RunStatus.RUNNING
    outcome = Outcome(
        status=RunStatus.FAILED,
        cause=Cause.CELL_ERROR,
        message="ValueError: no data in cell 3",
        ended_at=NOW,
        duration_seconds=1.5,
        peak_memory_bytes=3 * 2**31,
        metrics=(MetricPoint(name="loss", value=2.0), MetricPoint(name="loss", value=1.0, step=1)),
        outputs=(PIN,),
        cells=(Cell(index=3, status=CellStatus.FAILED, duration_seconds=0.1), Cell(index=5, status=CellStatus.NOT_RUN)),
        executed_notebook=".nightbook/runs/x/executed.ipynb",
        report=".nightbook/runs/x/report.html",
        logged_parameters={"depth": 3},
        artifacts=("artifacts/plot.png",),
    )
    assert ledger.finish(run_id, outcome)
    ended = ledger.get(run_id)
    assert ended == replace(
        running,
        status=RunStatus.FAILED,
        cause=Cause.CELL_ERROR,
        message=outcome.message,
        ended_at=NOW,
        duration_seconds=1.5,
        peak_memory_bytes=3 * 2**31,
        metrics={"loss": 1.0},
        outputs=(PIN,),
        cells=outcome.cells,
        executed_notebook=outcome.executed_notebook,
        report=outcome.report,
    )
    json.dumps(ended.to_json(), allow_nan=False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, 1e-320, 1e308])
def test_every_float_survives_as_a_metric(ledger: Ledger, value: float) -> None:
    run_id = started(ledger)
    ledger.finish(run_id, Outcome(status=RunStatus.SUCCEEDED, metrics=(MetricPoint(name="x", value=value, at=NOW),)))
    (point,) = ledger.metric_points(run_id)
    assert repr(point.value) == repr(value)
    assert point.at == NOW
    assert repr(ledger.get(run_id).metrics["x"]) == repr(value)


def test_the_first_final_state_stands(ledger: Ledger) -> None:
    run_id = started(ledger)
    assert ledger.finish(run_id, Outcome(status=RunStatus.LOST, cause=Cause.LOST))
    late = Outcome(status=RunStatus.SUCCEEDED, metrics=(MetricPoint(name="x", value=1.0),))
    assert not ledger.finish(run_id, late)
    assert ledger.get(run_id).status is RunStatus.LOST
    assert ledger.metric_points(run_id) == ()


def test_of_many_final_states_at_once_exactly_one_is_recorded(ledger: Ledger) -> None:
    run_id = started(ledger)
    states = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.LOST] * 4
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda status: ledger.finish(run_id, Outcome(status=status)), states))
    assert sum(kept) == 1
    assert ledger.get(run_id).status is states[kept.index(True)]


def test_the_database_itself_refuses_a_second_final_state(ledger: Ledger) -> None:
    run_id = started(ledger)
    ledger.finish(run_id, Outcome(status=RunStatus.FAILED))
    with pytest.raises(Exception, match=r"(?i)unique"), ledger.engine.begin() as connection:
        connection.execute(
            transitions.insert().values(
                run_id=run_id, status="lost", at=NOW, is_final=True, host="", pid=1, pid_started_at=1, pid_space=""
            )
        )


def test_a_run_that_is_not_over_cannot_be_finished(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="running is no final status"):
        ledger.finish(started(ledger), Outcome(status=RunStatus.RUNNING))


def test_a_cancelled_run_does_not_start(ledger: Ledger) -> None:
    run_id = ledger.create_run(TRAIN).run_id
    ledger.finish(run_id, Outcome(status=RunStatus.CANCELLED))
    assert not ledger.start(run_id, SupervisorProcess.this())
    assert ledger.get(run_id).status is RunStatus.CANCELLED


def test_two_supervisors_cannot_start_one_run(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="was started before"):
        ledger.start(started(ledger), SupervisorProcess.this())


def test_a_beat_tells_whether_the_run_is_still_on(ledger: Ledger) -> None:
    run_id = started(ledger)
    assert ledger.beat(run_id)
    ledger.finish(run_id, Outcome(status=RunStatus.CANCELLED))
    assert not ledger.beat(run_id)


def test_a_skipped_run_is_no_affair_of_the_tracker(ledger: Ledger) -> None:
    ledger.finish(ledger.create_run(TRAIN).run_id, Outcome(status=RunStatus.SKIPPED))
    assert ledger.deliveries.owed().runs == 0


def test_a_supervised_run_is_not_lost(ledger: Ledger) -> None:
    started(ledger)
    started(ledger, ELSEWHERE)
    ledger.create_run(TRAIN)
    assert ledger.unsupervised() == ()


def test_a_run_whose_process_is_gone_is_unsupervised_at_once(ledger: Ledger) -> None:
    run_id = started(ledger, GONE)
    assert [run.run_id for run in ledger.unsupervised()] == [run_id]


def test_a_process_that_took_over_the_id_of_a_supervisor_is_not_it(ledger: Ledger) -> None:
    run_id = started(ledger, replace(SupervisorProcess.this(), pid_started_at=1.0))
    assert [run.run_id for run in ledger.unsupervised()] == [run_id]


@pytest.mark.parametrize("supervisor", [SupervisorProcess.this(), ELSEWHERE], ids=["here", "elsewhere"])
def test_a_silent_supervisor_counts_as_gone_wherever_it_is(ledger: Ledger, supervisor: SupervisorProcess) -> None:
    run_id = started(ledger, supervisor)
    silence(ledger, run_id, 29)
    assert ledger.unsupervised() == ()
    silence(ledger, run_id, 2)
    assert [run.run_id for run in ledger.unsupervised()] == [run_id]
    ledger.beat(run_id)
    assert ledger.unsupervised() == ()


def test_a_machine_that_slept_lost_no_run(ledger: Ledger) -> None:
    run_id = started(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(update(heartbeats).where(heartbeats.c.run_id == run_id).values(at=heartbeats.c.at - 3600))
    assert ledger.unsupervised() == ()


def test_a_waiting_part_shares_the_fate_of_its_pipeline(ledger: Ledger) -> None:
    pipeline = started(ledger)
    waiting = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="score", parent_run_id=pipeline)).run_id
    silence(ledger, waiting, 3600)
    assert ledger.unsupervised() == ()
    silence(ledger, pipeline, 3600)
    assert [run.run_id for run in ledger.unsupervised()] == [pipeline, waiting]
    ledger.finish(pipeline, Outcome(status=RunStatus.LOST))
    assert [run.run_id for run in ledger.unsupervised()] == [waiting]


def test_eight_processes_may_open_an_empty_ledger_at_once(ledger_url: str) -> None:
    code = (
        "import sys; from nightbook.records import *; from nightbook.runs.ledger import *\n"
        "sys.stdin.read(1)\n"
        "with Ledger.open(sys.argv[1]) as ledger:\n"
        "    for _ in range(5):\n"
        "        run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage='s'))\n"
        "        ledger.start(run.run_id, SupervisorProcess.this())\n"
        "        assert ledger.finish(run.run_id, Outcome(status=RunStatus.SUCCEEDED))\n"
    )
    command = [sys.executable, "-c", code, ledger_url]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"x")
        racer.stdin.flush()
    complaints = [racer.communicate(timeout=120)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 8, complaints
    with Ledger.open(ledger_url) as ledger:
        runs = ledger.runs(limit=100)
    assert len(runs) == 40
    assert len({run.number for run in runs}) == 40
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}


def test_a_writer_killed_at_any_moment_leaves_whole_runs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    code = (
        "import sys; from nightbook.records import *; from nightbook.runs.ledger import *\n"
        "ledger = Ledger.open(sys.argv[1])\n"
        "points = tuple(MetricPoint(name='x', value=float(step), step=step) for step in range(50))\n"
        "while True:\n"
        "    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage='s'))\n"
        "    ledger.start(run.run_id, SupervisorProcess.this())\n"
        "    ledger.finish(run.run_id, Outcome(status=RunStatus.SUCCEEDED, metrics=points))\n"
        "    print(run.run_id, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline().strip() for _ in range(20)]
    writer.kill()
    told += writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    with Ledger.open(url) as ledger:
        finished = {run.run_id for run in ledger.runs(limit=10_000) if run.status is RunStatus.SUCCEEDED}
        assert finished >= {run_id for run_id in told if len(run_id) == 16}
        assert {len(ledger.metric_points(run_id)) for run_id in finished} == {50}
        with ledger.engine.connect() as connection:
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"


def test_a_sqlite_ledger_is_in_wal_mode_and_loses_no_commit_with_the_power(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger, ledger.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000


def test_opening_a_ledger_loads_neither_mlflow_nor_pandas() -> None:
    code = "import sys, nightbook.runs.ledger; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert not {"mlflow", "pandas", "papermill", "nbformat", "rich", "psycopg"} & set(loaded.stdout.split())
