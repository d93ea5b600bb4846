from __future__ import annotations

import json
import os
import subprocess
import sys
from threading import Event
from typing import TYPE_CHECKING

from nightbook.runs.process import command_for
from nightbook.runs.publish import KEPT_FOR_THE_END_SECONDS, PATIENCE_SECONDS, Conversation
from nightbook.runs.request import REPORT, TRACKING
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def publish(root: Path, *run_ids: str, **environment: str) -> str:
    """Serve the process these ids to its end; returns why something is still owed."""
    done = subprocess.run(
        command_for("nightbook.runs.publish", str(root)),
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


def test_a_talk_goes_on_as_long_as_mlflow_answers_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, finished = [], Event()

    def answers(uri: str, *, timeout_seconds: float) -> bool:
        asked.append((uri, timeout_seconds))
        if len(asked) == 2:
            finished.set()
        return True

    monkeypatch.setattr("nightbook.runs.publish.answers", answers)
    assert Conversation("http://slow").hold(lambda: finished.wait(60) and "said") == "said"
    assert len(asked) >= 2


def test_a_talk_in_which_mlflow_falls_silent_is_left_to_itself(silent_port: int) -> None:
    finished = Event()
    conversation = Conversation(f"http://127.0.0.1:{silent_port}")
    assert conversation.hold(lambda: finished.wait(60)) is None
    assert not finished.is_set()
    # One talk at a time: as long as that one hangs, no other can begin.
    assert not conversation.can_begin()
    assert not conversation.can_begin_while_waited_for()
    finished.set()


def test_all_silences_together_are_borne_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, borne = [0.0], []

    def says_nothing(uri: str, *, timeout_seconds: float) -> bool:
        del uri
        borne.append(timeout_seconds)
        clock[0] += timeout_seconds
        return False

    monkeypatch.setattr("nightbook.runs.publish.answers", says_nothing)
    monkeypatch.setattr("nightbook.runs.publish.time.monotonic", lambda: clock[0])
    conversation = Conversation("http://hung")
    for _ in range(10):
        assert not conversation.can_begin_while_waited_for(keep_seconds=KEPT_FOR_THE_END_SECONDS)
    assert not conversation.can_begin_while_waited_for()
    assert sum(borne) == PATIENCE_SECONDS
    assert borne[-1] == KEPT_FOR_THE_END_SECONDS


def test_a_run_is_published_without_any_data_library() -> None:
    code = (
        "import sys; from nightbook.runs.publish import load_publishing; load_publishing(is_embedded=True);"
        "print({'mlflow', 'nbconvert', 'numpy', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout in {"{'mlflow', 'nbconvert'}\n", "{'nbconvert', 'mlflow'}\n"}
