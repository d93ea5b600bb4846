from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from nightbook.runs.ledger import Ledger
from nightbook.workflow.trusting import revoke
from nightbook.workflow.verifying import Verified, list_reviews, verify_approvals


@pytest.fixture
def approved(project: Any) -> Any:
    """The project with #6 approved by Mara."""
    project.decide(project.mara)
    return project


def only(project: Any) -> Verified:
    (found,) = verify_approvals(project.settings, "6")
    return found


def words(found: Verified) -> str:
    return "; ".join([*found.problems, *(problem for one in found.review.checked for problem in one.problems)])


def change_ledger(project: Any, statement: str) -> None:
    with Ledger.open(project.settings.ledger) as ledger, ledger.engine.begin() as connection:
        connection.execute(text(statement))


def test_what_nobody_touched_holds(approved: Any) -> None:
    found = only(approved)
    assert found.is_good
    assert found.to_json()["ok"] is True
    (listed,) = list_reviews(approved.settings)
    assert listed.run.number == 6


@pytest.mark.parametrize("name", ["report.html", "executed.ipynb", "source.ipynb", "environment.txt"])
def test_one_changed_byte_is_refused_and_named(approved: Any, name: str) -> None:
    path = approved.run_folder() / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = only(approved)
    assert not found.is_good
    assert f"{name} is not as it was" in words(found)
    assert "it no longer counts as approved: 0 of 1 approvals" in found.problems


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("UPDATE runs SET parameters = '{}' WHERE number = 6", "parameters"),
        ("UPDATE runs SET git_commit = 'feed' WHERE number = 6", "git"),
        ("UPDATE runs SET username = 'eve' WHERE number = 6", "origin"),
        ("UPDATE runs SET fingerprint_parts = '{}' WHERE number = 6", "code"),
        ("UPDATE runs SET inputs = '[]' WHERE number = 6", "input numbers data/numbers.txt"),
        (
            "UPDATE results SET outputs = '[]' WHERE run_id IN (SELECT run_id FROM runs WHERE number = 6)",
            "output model",
        ),
        ("UPDATE results SET metrics = '{}' WHERE run_id IN (SELECT run_id FROM runs WHERE number = 6)", "metrics"),
        ("UPDATE reviews SET job = 'weekly'", "the ledger's entry does not say what was signed"),
    ],
)
def test_a_changed_record_is_refused_and_named(approved: Any, change: str, name: str) -> None:
    change_ledger(approved, change)
    found = only(approved)
    assert not found.is_good
    assert name in words(found)


def test_the_files_of_another_run_are_refused(approved: Any) -> None:
    mine, other = approved.run_folder(6), approved.run_folder(3)
    for name in ("report.html", "executed.ipynb"):
        shutil.copy(other / name, mine / name)
    assert "executed.ipynb, report.html are not as they were" in words(only(approved))


def test_an_approval_copied_to_another_run_is_refused(approved: Any) -> None:
    change_ledger(approved, "UPDATE reviews SET run_id = (SELECT run_id FROM runs WHERE number = 3)")
    (found,) = verify_approvals(approved.settings, "3")
    assert "it was signed for another run, fit #6" in words(found)


def test_an_envelope_put_beside_another_run_is_refused(approved: Any) -> None:
    shutil.copytree(approved.run_folder(6) / "reviews", approved.run_folder(3) / "reviews")
    (found,) = verify_approvals(approved.settings, "3")
    assert not found.is_good
    assert "was put there" in words(found)


def test_a_revoked_key_is_refused_and_named(approved: Any) -> None:
    revoke(approved.settings, "Mara", "laptop stolen", datetime.now(UTC))
    assert "the key of Mara was revoked on" in words(only(approved))
    assert "laptop stolen" in words(only(approved))


def test_a_run_deleted_on_disk_is_refused(approved: Any) -> None:
    shutil.rmtree(approved.run_folder(6))
    assert "report.html, source.ipynb are missing" in words(only(approved))


def test_rules_that_became_stricter_count(approved: Any) -> None:
    approved.configure('[reviews."*"]\napprovals = 2')
    found = only(approved)
    assert not found.is_good
    assert found.problems == ("it no longer counts as approved: 1 of 2 approvals",)
