from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from nightbook.records import RunKind, RunStatus
from nightbook.runs.deliveries import Event
from nightbook.runs.facts import TrackedRun
from nightbook.runs.ledger import NewRun, Outcome, SupervisorProcess

if TYPE_CHECKING:
    from nightbook.runs.ledger import Ledger

URI = "http://127.0.0.1:5000"
TRACKED = TrackedRun(mlflow_run_id="m1", experiment_id="7", artifact_uri="mlflow-artifacts:/7/m1")


@pytest.fixture
def run_id(ledger: Ledger) -> str:
    """A run that started and ended, and of which nobody was told."""
    run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="train"))
    ledger.start(run.run_id, SupervisorProcess.this())
    ledger.finish(run.run_id, Outcome(status=RunStatus.SUCCEEDED))
    return run.run_id


def test_a_claimed_run_is_nobody_elses(ledger: Ledger, run_id: str) -> None:
    claim = ledger.deliveries.claim(run_id, for_seconds=60)
    assert claim is not None
    assert claim.events == {Event.STARTED, Event.ENDED}
    assert ledger.deliveries.claim(run_id, for_seconds=60) is None
    ledger.deliveries.release(claim)
    assert ledger.deliveries.claim(run_id, for_seconds=60) is not None


def test_of_many_who_claim_at_once_one_succeeds(ledger: Ledger, run_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: ledger.deliveries.claim(run_id, for_seconds=60), range(24)))
    assert sum(claim is not None for claim in claims) == 1


def test_a_claim_that_ran_out_passes_to_the_next_and_cannot_be_renewed(ledger: Ledger, run_id: str) -> None:
    late = ledger.deliveries.claim(run_id, for_seconds=-1)
    next_one = ledger.deliveries.claim(run_id, for_seconds=60)
    assert late is not None
    assert next_one is not None
    assert not ledger.deliveries.renew(late, for_seconds=60)
    assert ledger.deliveries.renew(next_one, for_seconds=60)
    ledger.deliveries.release(late)
    assert ledger.deliveries.claim(run_id, for_seconds=60) is None


def test_the_claim_of_a_process_that_died_is_free_at_once(ledger: Ledger, ledger_url: str, run_id: str) -> None:
    code = (
        "import sys; from nightbook.runs.ledger import Ledger\n"
        "assert Ledger.open(sys.argv[1]).deliveries.claim(sys.argv[2], for_seconds=3600)\n"
    )
    subprocess.run([sys.executable, "-c", code, ledger_url, run_id], check=True)
    assert ledger.deliveries.claim(run_id, for_seconds=60) is not None


def test_what_was_delivered_is_owed_no_more(ledger: Ledger, run_id: str) -> None:
    assert ledger.deliveries.owed_runs() == (run_id,)
    claim = ledger.deliveries.claim(run_id, for_seconds=60)
    assert claim is not None
    ledger.deliveries.delivered(claim, {Event.STARTED})
    ledger.deliveries.release(claim, error="the server went away")
    debt = ledger.deliveries.owed()
    assert (debt.runs, debt.last_error) == (1, "the server went away")
    claim = ledger.deliveries.claim(run_id, for_seconds=60)
    assert claim is not None
    assert claim.events == {Event.ENDED}
    ledger.deliveries.delivered(claim, claim.events)
    ledger.deliveries.release(claim)
    assert ledger.deliveries.owed_runs() == ()
    assert ledger.deliveries.owed().last_error == ""


def test_debts_are_listed_in_the_order_of_their_beginning(ledger: Ledger) -> None:
    parent = ledger.create_run(NewRun(kind=RunKind.PIPELINE)).run_id
    ledger.start(parent, SupervisorProcess.this())
    part = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="a", parent_run_id=parent)).run_id
    ledger.start(part, SupervisorProcess.this())
    ledger.finish(part, Outcome(status=RunStatus.SUCCEEDED))
    ledger.finish(parent, Outcome(status=RunStatus.SUCCEEDED))
    assert ledger.deliveries.owed_runs() == (parent, part)


def test_each_tracker_has_its_own_run(ledger: Ledger, run_id: str) -> None:
    assert ledger.deliveries.known_run(run_id, URI) is None
    ledger.deliveries.remember_run(run_id, URI, TRACKED)
    ledger.deliveries.remember_run(run_id, URI, TRACKED)
    assert ledger.deliveries.known_run(run_id, URI) == TRACKED
    assert ledger.deliveries.known_run(run_id, "http://127.0.0.1:6000") is None
    assert ledger.get(run_id).mlflow_run_id == "m1"
    ledger.deliveries.remember_run(run_id, URI, None)
    assert ledger.deliveries.known_run(run_id, URI) is None


def test_an_experiments_id_is_remembered_for_its_tracker_and_name(ledger: Ledger) -> None:
    ledger.deliveries.remember_experiment(URI, "flights", "7")
    ledger.deliveries.remember_experiment(URI, "flights", "8")
    assert ledger.deliveries.known_experiment(URI, "flights") == "8"
    assert ledger.deliveries.known_experiment(URI, "trains") is None
