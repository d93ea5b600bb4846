from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError
from nightbook.records import Pin, RunKind, RunStatus
from nightbook.runs.ledger import NewRun, Outcome, SupervisorProcess

if TYPE_CHECKING:
    from nightbook.records import Run
    from nightbook.runs.ledger import Ledger

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def ended(ledger: Ledger, stage: str, status: RunStatus = RunStatus.SUCCEEDED, **facts: object) -> Run:
    reusable = bool(facts.pop("reusable", True))
    run_id = ledger.create_run(NewRun(kind=RunKind.STAGE, stage=stage, **facts)).run_id  # type: ignore[arg-type] # the test's own facts
    ledger.start(run_id, SupervisorProcess.this())
    outputs = (Pin(name="model", uri=f"data/{stage}", digest="sha256:1"),)
    ledger.finish(run_id, Outcome(status=status, ended_at=NOW, outputs=outputs, reusable=reusable))
    return ledger.get(run_id)


def test_a_run_is_found_by_number_id_start_of_id_and_latest(ledger: Ledger) -> None:
    first = ended(ledger, "train", run_id="1111aaaa11111111")
    second = ended(ledger, "score", run_id="1111bbbb22222222")
    assert ledger.find("1") == ledger.find("#1") == ledger.find("1111aaaa11111111") == ledger.find("1111a") == first
    assert ledger.find("2") == ledger.find("1111BBBB") == ledger.find("latest") == second
    assert ledger.find("train@latest") == first


def test_latest_is_what_was_asked_for_last_not_its_parts(ledger: Ledger) -> None:
    pipeline = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
    ended(ledger, "train", parent_run_id=pipeline.run_id)
    assert ledger.find("latest").run_id == pipeline.run_id


@pytest.mark.parametrize(
    ("reference", "message", "remedy"),
    [
        ("7", "there is no run '7'; numbers go from 1 to 2", "nightbook runs list"),
        ("ffff0", "there is no run 'ffff0'; numbers go from 1 to 2", "nightbook runs list"),
        ("11", "there is no run '11'; numbers go from 1 to 2", "nightbook runs list"),
        ("1111", "'1111' begins the ids of several runs: score #2 (1111bbbb22222222), train #1", "type more of the id"),
        ("trian@latest", "stage 'trian' has not run yet", "did you mean 'train'?"),
        ("%", "there is no run '%'", "nightbook runs list"),
        ("9" * 40, "there is no run '9999", "nightbook runs list"),
    ],
)
def test_a_reference_that_fits_none_or_several_is_explained(
    ledger: Ledger, reference: str, message: str, remedy: str
) -> None:
    ended(ledger, "train", run_id="1111aaaa11111111")
    ended(ledger, "score", run_id="1111bbbb22222222")
    with pytest.raises(RunNotFoundError) as caught:
        ledger.find(reference)
    assert message in caught.value.message
    assert caught.value.remedy == remedy


@pytest.mark.parametrize("reference", ["latest", "1", "abcd"])
def test_an_empty_ledger_says_so(ledger: Ledger, reference: str) -> None:
    with pytest.raises(RunNotFoundError, match="the ledger holds no run yet"):
        ledger.find(reference)


def test_an_unknown_id_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run 0000"):
        ledger.get("0000")
    with pytest.raises(RunNotFoundError, match="there is no run 0000"):
        ledger.facts("0000")


def test_runs_are_listed_newest_first_and_by_what_is_asked(ledger: Ledger) -> None:
    pipeline = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
    train = ended(ledger, "train", parent_run_id=pipeline.run_id)
    score = ended(ledger, "score", RunStatus.FAILED, parent_run_id=pipeline.run_id)
    alone = ended(ledger, "train")
    assert [run.number for run in ledger.runs()] == [4, 3, 2, 1]
    assert ledger.runs(limit=1) == (alone,)
    assert ledger.runs(stage="train") == (alone, train)
    assert ledger.runs(status=RunStatus.FAILED) == (score,)
    assert [run.number for run in ledger.runs(status=RunStatus.PENDING)] == [1]
    assert [run.number for run in ledger.runs(kind=RunKind.PIPELINE)] == [1]
    assert [run.number for run in ledger.runs(top_level=True)] == [4, 1]
    assert ledger.children(pipeline.run_id) == (train, score)
    assert ledger.children(pipeline.run_id, after=train.number) == (score,)


def test_a_plan_compares_with_the_latest_success_that_may_be_reused(ledger: Ledger) -> None:
    ended(ledger, "train", fingerprint="old")
    good = ended(ledger, "train", fingerprint="good", fingerprint_parts={"code cell 1": "a"})
    ended(ledger, "train", RunStatus.FAILED, fingerprint="broken")
    ended(ledger, "train", fingerprint="inputs changed", reusable=False)
    ended(ledger, "score", RunStatus.FAILED)
    ledger.finish(ledger.create_run(NewRun(kind=RunKind.PIPELINE)).run_id, Outcome(status=RunStatus.SUCCEEDED))
    (stage, success), *others = ledger.last_successes().items()
    assert (stage, others) == ("train", [])
    assert (success.run_id, success.number, success.fingerprint) == (good.run_id, 2, "good")
    assert success.parts == {"code cell 1": "a"}
    assert success.outputs == good.outputs
    assert success.ended_at == NOW


def test_successes_are_found_by_fingerprint(ledger: Ledger) -> None:
    ended(ledger, "train", fingerprint="a")
    newer = ended(ledger, "train", fingerprint="a")
    ended(ledger, "train", RunStatus.FAILED, fingerprint="b")
    found = ledger.successes_of(["a", "b", "c"])
    assert {fingerprint: success.number for fingerprint, success in found.items()} == {"a": newer.number}


def test_facts_hold_what_the_record_does_not_show(ledger: Ledger) -> None:
    run = ended(ledger, "train", fingerprint_parts={"kernel": "python3"}, user="ada", host="night", tags={"a": "b"})
    facts = ledger.facts(run.run_id)
    assert (facts.user, facts.host, facts.tags) == ("ada", "night", {"a": "b"})
    assert facts.fingerprint_parts == {"kernel": "python3"}
    assert facts.reusable
