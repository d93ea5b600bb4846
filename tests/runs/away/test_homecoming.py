from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.store import ContentStore
from nightbook.records import Pin, RunStatus
from nightbook.runs.away.answer import Answer
from nightbook.runs.away.homecoming import bring_home, record
from nightbook.runs.away.live import AwayRun
from nightbook.runs.facts import Outcome
from nightbook.runs.ledger import Ledger
from nightbook.runs.liveness import SupervisorProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runs.away.conftest import Traveller


@pytest.fixture
def live(traveller: Callable[..., Traveller]) -> AwayRun:
    one = traveller()
    return AwayRun(one.run, one.request)


@pytest.fixture
def answer(live: AwayRun, tmp_path: Path) -> Answer:
    """What a worker has left in the store."""
    there = tmp_path / "there"
    (there / "artifacts").mkdir(parents=True)
    for name in ("executed.ipynb", "log.txt", "artifacts/plot.png"):
        (there / name).write_text(f"{name} of the worker")
    with tarfile.open(tmp_path / "files.tar", "w") as archive:
        for path in there.iterdir():
            archive.add(path, arcname=path.name)
    (there / "out.txt").write_text("made")
    store = ContentStore(live.request.store)
    digest = store.put(there / "out.txt")
    outcome = Outcome(
        status=RunStatus.SUCCEEDED,
        executed_notebook="/there/executed.ipynb",
        outputs=(Pin(name="made", uri="data/out.txt", digest=digest),),
    )
    files = store.put(tmp_path / "files.tar")
    return Answer(attempt="a", worker="tcp://w", began_at=1.0, outcome=outcome, files=files)


def test_files_and_outputs_come_to_their_places(live: AwayRun, answer: Answer, tmp_path: Path) -> None:
    store = ContentStore(live.request.store)
    outcome = bring_home(live, answer, store)
    assert outcome.status is RunStatus.SUCCEEDED
    assert outcome.executed_notebook == f".nightbook/runs/{live.run.run_id}/executed.ipynb"
    assert outcome.report == f".nightbook/runs/{live.run.run_id}/report.html"
    assert (live.folder / "artifacts" / "plot.png").read_text() == "artifacts/plot.png of the worker"
    assert (tmp_path / "project" / "data" / "out.txt").read_text() == "made"
    assert not store.has(answer.files), "what only served to carry something over is not kept"
    assert store.has(outcome.outputs[0].digest)


def test_a_success_whose_outputs_do_not_arrive_is_none(live: AwayRun, answer: Answer) -> None:
    store = ContentStore(live.request.store)
    store.discard(answer.outcome.outputs[0].digest)
    outcome = bring_home(live, answer, store)
    assert (outcome.status, outcome.outputs) == (RunStatus.FAILED, ())
    assert outcome.message.startswith("what the worker tcp://w left behind did not arrive: the content store has no")


def test_a_death_before_is_said_with_the_outcome_and_the_first_end_stands(live: AwayRun) -> None:
    live.deaths.append("tcp://one")
    with Ledger.open(live.request.ledger) as ledger:
        ledger.start(live.run.run_id, SupervisorProcess.this())
        record(live, Outcome(status=RunStatus.SUCCEEDED), ledger)
        record(live, Outcome(status=RunStatus.FAILED), ledger)
        run = ledger.get(live.run.run_id)
    assert run.status is RunStatus.SUCCEEDED
    executed = json.loads((live.folder / "executed.ipynb").read_text())
    assert executed["metadata"]["nightbook"]["status"] == "succeeded", "the notebook agrees with the ledger"
    assert run.message == "begun again elsewhere after the death of tcp://one"
