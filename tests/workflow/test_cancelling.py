from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import ExitCode, NightbookError, RunElsewhereError
from nightbook.records import Cause, CellStatus, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.settings import Settings, load_settings
from nightbook.workflow.cancelling import cancel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, environment={})


@pytest.fixture
def begun(tmp_path: Path, new_notebook: Callable[..., Path]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `nightbook run …` in a project whose stage `slow` never ends, and returns when that is at work."""
    started = tmp_path / "started"
    os.mkfifo(started)
    waits = f"open({str(started)!r}, 'w').close()\nimport time\ntime.sleep(600)"
    new_notebook(tmp_path / "notebooks" / "slow.ipynb", 'table: Output = "../table.txt"', waits)
    new_notebook(tmp_path / "notebooks" / "then.ipynb", 'table: Input = "../table.txt"', "print(1)")
    new_notebook(tmp_path / "lone.ipynb", "times: int = 1", waits)
    processes = []

    def begin(*targets: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "nightbook", "run", *targets]
        processes.append(subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL))
        started.read_text(encoding="utf-8")
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def test_a_pipeline_is_cancelled_with_what_it_runs_and_starts_nothing_more(
    settings: Settings, begun: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = begun()
    cancellation = cancel(settings, "latest")
    assert not cancellation.was_over
    assert (cancellation.run.kind, cancellation.run.status) == (RunKind.PIPELINE, RunStatus.CANCELLED)
    assert process.wait(60) == ExitCode.INTERRUPTED
    with Ledger.open(settings.ledger) as ledger:
        (slow,) = ledger.children(cancellation.run.run_id)
    assert (slow.stage, slow.status, slow.cause) == ("slow", RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert [one.status for one in slow.cells] == [CellStatus.SUCCEEDED, CellStatus.FAILED]


def test_one_stage_is_cancelled_and_what_needs_it_does_not_run(
    settings: Settings, begun: Callable[..., subprocess.Popen[bytes]]
) -> None:
    process = begun()
    cancellation = cancel(settings, "slow@latest")
    assert (cancellation.run.stage, cancellation.run.status) == ("slow", RunStatus.CANCELLED)
    assert process.wait(60) != ExitCode.DONE
    with Ledger.open(settings.ledger) as ledger:
        assert ledger.find("latest").status is RunStatus.CANCELLED
        assert ledger.find("then@latest").cause is Cause.UPSTREAM_FAILED


def test_a_lone_notebook_is_cancelled(settings: Settings, begun: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = begun("lone.ipynb")
    began = time.monotonic()
    run = cancel(settings, "lone@latest").run
    assert (run.status, run.cause) == (RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert time.monotonic() - began < 25
    assert process.wait(60) == ExitCode.INTERRUPTED


def test_a_run_that_has_ended_is_left_alone(finished_project: Path) -> None:
    cancellation = cancel(load_settings(finished_project, environment={}), "4")
    assert cancellation.was_over
    assert cancellation.run.status is RunStatus.FAILED


def test_a_run_that_has_not_begun_never_does(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        pending = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="fit"))
        run = cancel(settings, "latest").run
        assert (run.status, run.message) == (RunStatus.CANCELLED, "cancelled before it began")
        assert ledger.start(pending.run_id, SupervisorProcess.this()) is False


def test_a_run_on_another_machine_is_cancelled_there(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        running = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="fit"))
        there = SupervisorProcess(host="node7", pid=1, pid_started_at=0.0, pid_space="another boot")
        ledger.start(running.run_id, there)
        with pytest.raises(RunElsewhereError, match="runs on node7") as raised:
            cancel(settings, "latest")
        assert raised.value.exit_code is ExitCode.UNREACHABLE
        assert not ledger.get(running.run_id).status.is_final


def test_a_run_that_does_not_stop_is_named(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        deaf = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
        ledger.start(deaf.run_id, SupervisorProcess.this())
    with pytest.raises(NightbookError, match="still runs"):
        cancel(settings, "latest", patience_seconds=0.1)
