from __future__ import annotations

from typing import TYPE_CHECKING

import mlflow

from nightbook.runs.publishing import ReportingOutbox
from nightbook.runs.reporting import ensure_page
from nightbook.runs.request import REPORT
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_is_delivered_with_its_report_even_when_nobody_had_written_it_yet(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={"NIGHTBOOK_EXPERIMENT": "another"})
    with open_ledger(settings) as ledger:
        run = ledger.find("fit@latest")
        (settings.runs_folder / run.run_id / REPORT).unlink()
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE outbox SET delivered_at = NULL WHERE run_id = ?", (run.run_id,))
            connection.exec_driver_sql("DELETE FROM deliveries")
        drained = ReportingOutbox(
            settings, ledger, lambda run_id: ensure_page(settings, ledger, ledger.get(run_id))
        ).drain()
        told = ledger.get(run.run_id)
    assert (drained.delivered, drained.owed) == (1, 0)
    client = mlflow.MlflowClient(settings.tracking_uri)
    assert told.mlflow_run_id is not None
    assert "report.html" in {one.path for one in client.list_artifacts(told.mlflow_run_id)}
