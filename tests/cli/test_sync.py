from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from nightbook.cli.sync import command
from nightbook.errors import ExitCode
from nightbook.records import RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose MLflow is away, to which one run is owed."""
    (tmp_path / "nightbook.toml").write_text('tracking_uri = "http://127.0.0.1:9"\n')
    with Ledger.open(load_settings(tmp_path, environment={}).ledger) as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
        ledger.finish(run.run_id, Outcome(status=RunStatus.FAILED))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_still_owed_is_told_with_the_reason_and_exit_code_5(project: Path) -> None:
    result = CliRunner().invoke(command, standalone_mode=False)
    assert result.return_value == ExitCode.UNREACHABLE
    assert "1 run still owed: MLflow at http://127.0.0.1:9 does not answer" in result.stderr


def test_json_is_one_document(project: Path) -> None:
    result = CliRunner().invoke(command, ["--json"], standalone_mode=False)
    assert json.loads(result.stdout) == {
        "delivered": 0,
        "owed": 1,
        "reason": "MLflow at http://127.0.0.1:9 does not answer",
    }


def test_a_project_that_owes_nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, standalone_mode=False)
    assert (result.return_value, result.stdout) == (ExitCode.DONE, "MLflow has everything.\n")
