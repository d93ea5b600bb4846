from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError
from nightbook.records import RunStatus
from nightbook.runs.report import CodeVisibility
from nightbook.runs.reporting import ensure_comparison, ensure_page, ensure_report, render
from nightbook.runs.request import COMPARISON, ENVIRONMENT, EXECUTED, REPORT, ComparisonOrder
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report_says_how_the_run_went_and_with_what(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        html = render(settings, ledger, ledger.find("2"), CodeVisibility.FOLDED)
        failed = render(settings, ledger, ledger.find("4"), CodeVisibility.ABSENT)
    assert "make #2" in html
    assert "how many" in html
    assert "with open(numbers" in html.replace("&#34;", '"') or "numbers" in html
    assert "nobody allowed it" in failed
    assert "checking" in failed


def test_a_report_names_the_environment_by_the_digest_of_its_list(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("2")
        listed = settings.runs_folder / run.run_id / ENVIRONMENT
        html = render(settings, ledger, run, CodeVisibility.FOLDED)
        digest = hashlib.sha256(listed.read_bytes()).hexdigest()
        packages = len(listed.read_text().splitlines()) - 1
        assert f'<dt>Environment</dt><dd><code title="sha256:{digest}">' in html
        assert f"<dt>Packages</dt><dd>{packages} (environment.txt)</dd>" in html
        listed.unlink()
        assert "<dt>Environment</dt>" not in render(settings, ledger, run, CodeVisibility.FOLDED)


def test_a_report_is_written_once_and_again_when_it_is_gone(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("2")
        path = settings.runs_folder / run.run_id / REPORT
        path.write_text("mine")
        assert ensure_report(settings, ledger, run) == path
        assert path.read_text() == "mine"
        path.unlink()
        ensure_report(settings, ledger, run)
        assert "make #2" in path.read_text()


def test_a_run_whose_files_are_elsewhere_says_so(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("2")
        (settings.runs_folder / run.run_id / EXECUTED).unlink()
        (settings.runs_folder / run.run_id / REPORT).unlink()
        assert ensure_report(settings, ledger, run) is None
        with pytest.raises(RunNotFoundError, match="left no notebook here"):
            render(settings, ledger, run, CodeVisibility.FOLDED)


def test_a_pipeline_has_no_page_of_its_own(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        assert ensure_page(settings, ledger, ledger.find("1")) is None


def test_a_comparison_is_about_the_runs_that_it_was_ordered_for(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        fits = [run for run in ledger.runs(stage="fit") if run.status is RunStatus.SUCCEEDED]
        parent = ledger.find("5")
        folder = settings.runs_folder / parent.run_id
        ComparisonOrder(runs=tuple(run.run_id for run in fits), objective="error").write(folder)
        page = ensure_comparison(settings, ledger, parent)
    assert page == folder / COMPARISON
    html = page.read_text()
    assert all(f"{run.run_id}/report.html" in html for run in fits)
    assert "alpha" in html
