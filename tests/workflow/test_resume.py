from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import NightbookError, RunNotFoundError
from nightbook.records import Cause, Run, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome, SupervisorProcess
from nightbook.settings import Settings, load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher
from nightbook.workflow.resume import RESUMES_TAG, Resumption, resume
from nightbook.workflow.run import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(project_copy: Path) -> Settings:
    return load_settings(project_copy, environment={})


def resumed(settings: Settings, reference: str) -> Resumption:
    return resume(settings, reference, SilentWatcher())


def in_ledger(settings: Settings, reference: str) -> Run:
    with Ledger.open(settings.ledger) as ledger:
        return ledger.find(reference)


def test_only_the_stage_that_failed_runs_again_with_the_parameters_of_then(settings: Settings) -> None:
    (settings.root / "allowed").touch()
    # The model that #5 left behind is of another alpha: the one of #1 comes back from the content store.
    outcome = resumed(settings, "1")
    assert outcome.of.number == 1
    assert outcome.result is not None
    assert outcome.result.status is RunStatus.SUCCEEDED
    assert [(one.stage, one.status) for one in outcome.result.runs] == [("check", RunStatus.SUCCEEDED)]
    (check,) = outcome.result.runs
    assert check.parameters["day"] == "2026-03-29"
    folder = settings.runs_folder / check.run_id
    assert "checking 2026-03-29 date '007'" in (folder / "executed.ipynb").read_text(encoding="utf-8")
    assert outcome.result.parent is not None
    with Ledger.open(settings.ledger) as ledger:
        assert ledger.facts(outcome.result.parent.run_id).tags[RESUMES_TAG] == outcome.of.run_id
    # The resumed run can itself be resumed: it was asked for the same.
    assert resumed(settings, "latest").result is None


def test_a_part_of_a_pipeline_stands_for_the_pipeline(settings: Settings) -> None:
    outcome = resumed(settings, "check@latest")
    assert outcome.of.kind is RunKind.PIPELINE
    assert outcome.result is not None
    assert outcome.result.status is RunStatus.FAILED


def test_a_lone_notebook_is_run_again_from_anywhere(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (settings.root / "allowed").touch()
    outcome = resumed(settings, "latest")
    assert outcome.of.stage == "lone"
    assert outcome.result is not None
    (again,) = outcome.result.runs
    assert again.status is RunStatus.SUCCEEDED
    assert again.parameters == {"times": 4}
    # It has no outputs and always runs; but the run of before owes nothing any more.
    later = resumed(settings, str(outcome.of.number))
    assert later.result is not None
    assert later.result.runs == ()


def test_a_run_that_succeeded_owes_nothing(settings: Settings) -> None:
    assert resumed(settings, "5") == Resumption(of=in_ledger(settings, "5"))


def test_a_forced_run_owes_what_it_did_not_finish(settings: Settings) -> None:
    request = RunRequest(settings=settings, targets=("fit",), parameters={"alpha": 0.5}, is_forced=True)
    forced = run(request, SilentWatcher())
    assert [one.stage for one in forced.runs] == ["fit"]
    assert forced.parent is not None
    with Ledger.open(settings.ledger) as ledger:
        # As if it had been interrupted before `fit` began.
        interrupted = ledger.create_run(NewRun(kind=RunKind.PIPELINE, tags=ledger.facts(forced.parent.run_id).tags))
        ledger.finish(interrupted.run_id, Outcome(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED))
    first = resumed(settings, "latest").result
    assert first is not None
    assert [one.stage for one in first.runs] == ["fit"]
    second = resumed(settings, str(interrupted.number)).result
    assert second is not None
    assert second.runs == ()


def test_a_run_that_goes_on_is_not_resumed(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        running = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
        ledger.start(running.run_id, SupervisorProcess.this())
    with pytest.raises(NightbookError, match="is still running") as raised:
        resumed(settings, "latest")
    assert raised.value.remedy == f"nightbook runs cancel {running.number}"


def test_a_run_that_does_not_say_what_it_was_asked_for_cannot_be_resumed(settings: Settings) -> None:
    with Ledger.open(settings.ledger) as ledger:
        foreign = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
        ledger.finish(foreign.run_id, Outcome(status=RunStatus.FAILED))
    with pytest.raises(RunNotFoundError, match="does not say what it was asked for"):
        resumed(settings, "latest")


def test_a_pipeline_records_what_it_was_given(settings: Settings) -> None:
    assert in_ledger(settings, "1").parameters == {"fit.alpha": 0.25, "check.day": "2026-03-29", "check.note": "007"}
    assert json.dumps(in_ledger(settings, "1").to_json())
    assert date.fromisoformat(str(in_ledger(settings, "4").parameters["day"])) == date(2026, 3, 29)
