from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import StorageError
from nightbook.pipelines.plan import Verdict
from nightbook.records import RunKind, RunStatus
from nightbook.settings import Settings, load_settings
from nightbook.workflow.carrying import begin, making_runs, with_records
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.execution import Execution, Slot
from nightbook.workflow.planning import gather_evidence, plan
from nightbook.workflow.requests import RunRequest, SilentWatcher, StageState, StageView
from nightbook.workflow.run import run
from nightbook.workflow.targets import select

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nightbook.records import Run
    from nightbook.runs.launch import LiveRun


class FullDisk:
    """Work that cannot even begin."""

    def begin(self, slot: Slot) -> LiveRun | StageState:
        raise StorageError(f"no space left for {slot.name}")

    def conclude(self, slot: Slot, live: LiveRun) -> Run:
        raise NotImplementedError

    def give_up(self, slot: Slot, failed: Sequence[str]) -> Run:
        raise NotImplementedError

    def may_go_on(self) -> bool:
        return True


@pytest.fixture
def settings(project_copy: Path) -> Settings:
    return load_settings(project_copy, environment={})


def test_a_parent_has_an_end_also_when_its_parts_cannot_begin(settings: Settings) -> None:
    request = RunRequest(settings=settings, tags={"why": "night"})

    def run_out_of_space() -> None:
        with making_runs(request, {"asked": "all"}) as maker:
            maker.begin_parent(RunKind.PIPELINE, {})
            Execution([Slot(name="a")], FullDisk(), jobs=1, watcher=SilentWatcher()).run()

    with pytest.raises(StorageError, match="no space left for a"):
        run_out_of_space()
    with open_ledger(settings) as ledger:
        parent = ended = ledger.find("latest")
        assert (ended.status, ended.message) == (RunStatus.FAILED, "no space left for a")
        assert ledger.facts(parent.run_id).tags.items() >= {"why": "night", "asked": "all"}.items()


def test_a_decision_to_restore_is_made_true_without_a_run(settings: Settings) -> None:
    numbers = settings.root / "data" / "numbers.txt"
    before = numbers.read_text()
    numbers.unlink()
    request = RunRequest(settings=settings, targets=("make",))
    decision = plan(request)["make"]
    assert decision.verdict is Verdict.RESTORE
    selection = select(settings, ("make",), {})
    evidence = gather_evidence(request, selection)
    with making_runs(request, {}) as maker:
        made = begin(selection.pipeline.stages["make"], lambda: decision, evidence, maker)
    assert made == (decision, StageState.RESTORED)
    assert numbers.read_text() == before


def test_outputs_that_the_store_kept_badly_are_made_again(settings: Settings) -> None:
    numbers = settings.root / "data" / "numbers.txt"
    before = numbers.read_text()
    with open_ledger(settings) as ledger:
        (pin,) = ledger.find("make@latest").outputs
    kept = next((settings.state / "store").rglob(pin.digest.removeprefix("sha256:")[2:]))
    kept.chmod(0o644)
    kept.write_text("damaged")
    numbers.unlink()
    result = run(RunRequest(settings=settings, targets=("make",)), SilentWatcher())
    assert result.plan is not None
    assert result.plan["make"].verdict is Verdict.RESTORE
    (view,) = result.stages
    assert (view.state, view.reason) == (
        StageState.SUCCEEDED,
        "output data/numbers.txt is gone, and the content store does not have it",
    )
    assert numbers.read_text() == before


def test_records_are_read_again_when_all_is_published(settings: Settings) -> None:
    with open_ledger(settings) as ledger:
        run = ledger.find("make@latest")
        views = [
            StageView(name="make", state=StageState.SUCCEEDED, run=run),
            StageView(name="b", state=StageState.WAITING),
        ]
        assert with_records(views, ledger) == tuple(views)


def test_whatever_ends_the_runs_nobody_beats_for_their_parent_any_longer(settings: Settings) -> None:
    def break_down() -> None:
        with making_runs(RunRequest(settings=settings), {}) as maker:
            maker.begin_parent(RunKind.PIPELINE, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_down()
    assert [one.name for one in threading.enumerate() if one.name.startswith("heartbeat")] == []
