from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError, StorageError
from nightbook.records import RunKind, RunStatus
from nightbook.runs.facts import Outcome
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.runs.report import CodeVisibility
from nightbook.runs.reporting import ensure_page
from nightbook.runs.request import ComparisonOrder
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


def with_a_long_table(settings: Settings, reference: str) -> Path:
    """Give a run's executed notebook a table that its report cuts, and refers to the notebook for."""
    with Ledger.open(settings.ledger) as ledger:
        folder = settings.runs_folder / ledger.find(reference).run_id
    notebook = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(250))
    table = {"text/html": f"<table><tbody>{rows}</tbody></table>"}
    notebook["cells"][-1]["outputs"].append({"output_type": "display_data", "data": table, "metadata": {}})
    (folder / "executed.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "report.html").unlink()
    return folder


@pytest.mark.parametrize("code", CodeVisibility)
def test_only_beside_the_executed_notebook_a_report_links_to_it(
    settings: Settings, tmp_path: Path, code: CodeVisibility
) -> None:
    folder = with_a_long_table(settings, "6")
    link = 'href="executed.ipynb"'
    (own,) = report(settings, "6", code=code)
    (beside,) = report(settings, "6", target=folder / "other.html", code=code)
    (elsewhere,) = report(settings, "6", target=tmp_path / "copy.html", code=code)
    assert link in own.read_text(encoding="utf-8")
    assert link in beside.read_text(encoding="utf-8")
    assert link not in elsewhere.read_text(encoding="utf-8")
    assert "249" not in elsewhere.read_text(encoding="utf-8").split("<table")[-1]


def test_a_copy_of_a_report_whose_notebook_is_gone_is_the_report(settings: Settings, tmp_path: Path) -> None:
    (own,) = report(settings, "6")
    own.with_name("executed.ipynb").unlink()
    (copy,) = report(settings, "6", target=tmp_path / "copy.html")
    assert copy.read_bytes() == own.read_bytes()


def test_a_copy_of_a_comparison_links_to_no_report(settings: Settings, tmp_path: Path) -> None:
    with Ledger.open(settings.ledger) as ledger:
        sweep = ledger.create_run(NewRun(kind=RunKind.SWEEP, stage="fit"))
        ledger.start(sweep.run_id, SupervisorProcess.this())
        ledger.finish(sweep.run_id, Outcome(status=RunStatus.SUCCEEDED))
        folder = settings.runs_folder / sweep.run_id
        folder.mkdir()
        ComparisonOrder(runs=tuple(ledger.find(name).run_id for name in ("3", "6")), objective="error").write(folder)
        ensure_page(settings, ledger, ledger.get(sweep.run_id))
    (own,) = report(settings, "latest")
    (copy,) = report(settings, "latest", target=tmp_path / "copy.html")
    assert "report.html" in own.read_text(encoding="utf-8")
    assert "report.html" not in copy.read_text(encoding="utf-8")
    assert "fit #3" in copy.read_text(encoding="utf-8")


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
