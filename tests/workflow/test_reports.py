from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError, StorageError
from nightbook.records import RunKind
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.runs.report import CodeVisibility
from nightbook.settings import Settings, load_settings
from nightbook.workflow.reports import report

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(project_copy: Path) -> Settings:
    return load_settings(project_copy, environment={})


def test_a_report_that_is_there_is_named(settings: Settings) -> None:
    (path,) = report(settings, "6")
    assert path.name == "report.html"
    assert "fit" in path.read_text(encoding="utf-8")


def test_a_report_that_is_missing_is_written(settings: Settings) -> None:
    (path,) = report(settings, "6")
    path.unlink()
    assert report(settings, "6") == (path,)
    assert path.stat().st_size > 1000


def test_a_copy_without_code_holds_no_code(settings: Settings, tmp_path: Path) -> None:
    (with_code,) = report(settings, "6", target=tmp_path / "a" / "with.html")
    (without,) = report(settings, "6", target=tmp_path / "without.html", code=CodeVisibility.ABSENT)
    assert "sum" in with_code.read_text(encoding="utf-8")
    assert "open(model" not in without.read_text(encoding="utf-8")
    (beside,) = report(settings, "6", code=CodeVisibility.ABSENT)
    assert beside.name == "report-no-code.html"


def test_a_pipeline_has_the_reports_of_its_stages(settings: Settings, tmp_path: Path) -> None:
    assert len(report(settings, "1")) == 3
    with pytest.raises(RunNotFoundError, match=r"make #2, fit #3, check #4"):
        report(settings, "1", target=tmp_path / "one.html")


def test_a_run_that_goes_on_has_no_report_yet(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        running = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="fit"))
        ledger.start(running.run_id, SupervisorProcess.this())
    with pytest.raises(RunNotFoundError, match="still running"):
        report(settings, "latest")


def test_a_sweep_without_its_page_says_so(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        ledger.create_run(NewRun(kind=RunKind.SWEEP, stage="fit"))
    with pytest.raises(RunNotFoundError, match="no comparison page"):
        report(settings, "latest")


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        report(settings, "6", target=tmp_path / "file" / "report.html")
