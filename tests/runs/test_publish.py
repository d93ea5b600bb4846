from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from nightbook.runs.process import command_for
from nightbook.runs.request import REPORT, TRACKING
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def publish(root: Path, *run_ids: str, when: str = "now", **environment: str) -> str:
    """Serve the process these ids to its end; returns why something is still owed."""
    done = subprocess.run(
        command_for("nightbook.runs.publish", str(root), when),
        input="".join(f"{run_id}\n" for run_id in run_ids),
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
        check=True,
    )
    return str(json.loads(done.stdout)["owed"])


def test_what_is_published_already_is_owed_no_more(project_copy: Path) -> None:
    assert publish(project_copy) == ""


def test_a_report_that_is_missing_for_a_debt_is_written_even_when_mlflow_is_away(project_copy: Path) -> None:
    away = {"NIGHTBOOK_TRACKING_URI": "http://127.0.0.1:9"}
    settings = load_settings(project_copy, environment=away)
    with open_ledger(settings) as ledger:
        run = ledger.find("fit@latest")
        # As if the end of the run had never been told to anybody.
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE outbox SET delivered_at = NULL WHERE run_id = ?", (run.run_id,))
    report = settings.runs_folder / run.run_id / REPORT
    report.unlink()
    assert "does not answer" in publish(project_copy, run.run_id, **away)
    assert report.exists()


def test_later_means_that_nothing_is_written_or_told_until_somebody_asks(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("fit@latest")
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE outbox SET delivered_at = NULL WHERE run_id = ?", (run.run_id,))
        report = settings.runs_folder / run.run_id / REPORT
        report.unlink()
        assert publish(project_copy, run.run_id, when="later") == "1 run to be published, as asked"
        assert not report.exists()
        assert len(ledger.deliveries.owed_runs()) == 1
    assert publish(project_copy) == ""
    assert report.exists()


def handed_over(root: Path, environment: dict[str, str]) -> object:
    """What a runner that waits for its MLflow run is given."""
    settings = load_settings(root, environment=environment)
    with open_ledger(settings) as ledger:
        folder = settings.runs_folder / ledger.find("fit@latest").run_id
    request = json.loads((folder / "request.json").read_text())
    (folder / "request.json").write_text(json.dumps({**request, "awaits_tracking": True}))
    publish(root, folder.name, **environment)
    return json.loads((folder / TRACKING).read_text())


def test_a_runner_that_waits_is_let_go_at_once_when_mlflow_is_away(project_copy: Path) -> None:
    away = {"NIGHTBOOK_TRACKING_URI": "http://127.0.0.1:9"}
    assert handed_over(project_copy, away) == {}


def test_a_runner_that_waits_is_let_go_when_mlflow_accepts_connections_and_says_nothing(
    project_copy: Path, silent_port: int
) -> None:
    away = {"NIGHTBOOK_TRACKING_URI": f"http://127.0.0.1:{silent_port}"}
    assert handed_over(project_copy, away) == {}


def test_a_run_is_told_to_mlflow_without_any_data_library() -> None:
    code = (
        "import sys; from nightbook.runs.publish import load_publishing; load_publishing(is_embedded=True);"
        "print({'mlflow', 'nbconvert', 'numpy', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "{'mlflow'}\n"
