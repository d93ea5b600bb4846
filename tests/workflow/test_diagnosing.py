from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.containment import Containment
from nightbook.settings import load_settings
from nightbook.workflow.diagnosing import GUARANTEES, Check, Diagnosis, diagnose, versions

if TYPE_CHECKING:
    from pathlib import Path


def diagnosis_of(root: Path, **environment: str) -> Diagnosis:
    return diagnose(load_settings(root, environment=environment))


def check(diagnosis: Diagnosis, name: str) -> Check:
    return next(one for one in diagnosis.checks if one.name == name)


@pytest.fixture
def closed_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_empty_folder_is_healthy_and_stays_empty(tmp_path: Path) -> None:
    diagnosis = diagnosis_of(tmp_path)
    assert diagnosis.is_healthy
    assert "will be made" in check(diagnosis, "ledger").words
    assert list(tmp_path.iterdir()) == []


def test_every_setting_has_its_value_and_source(tmp_path: Path) -> None:
    (tmp_path / "nightbook.toml").write_text('name = "flights"', encoding="utf-8")
    diagnosis = diagnosis_of(tmp_path, NIGHTBOOK_JOBS="3", NIGHTBOOK_TIMEOUT_SECONDS="5")
    found = {one.name: (one.value, one.source) for one in diagnosis.settings}
    assert found["name"] == ("flights", "nightbook.toml")
    assert found["jobs"] == ("3", "environment NIGHTBOOK_JOBS")
    assert found["timeout_seconds"] == ("5.0", "environment NIGHTBOOK_TIMEOUT_SECONDS")
    assert found["memory_bytes"] == ("none", "default")
    assert found["module_paths"] == ("., src", "default")


def test_passwords_are_not_shown_and_what_is_away_is_named(tmp_path: Path, closed_port: int) -> None:
    diagnosis = diagnosis_of(
        tmp_path,
        NIGHTBOOK_LEDGER=f"postgresql://me:hush-hush@127.0.0.1:{closed_port}/runs",
        NIGHTBOOK_TRACKING_URI=f"http://me:hush-hush@127.0.0.1:{closed_port}",
    )
    assert not diagnosis.is_healthy
    assert "does not answer" in check(diagnosis, "ledger").words
    assert "does not answer" in check(diagnosis, "tracking").words
    text = json.dumps(diagnosis.to_json())
    assert "hush-hush" not in text
    assert "***" in text


def test_a_ledger_that_is_none_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / ".nightbook").mkdir()
    (tmp_path / ".nightbook" / "ledger.sqlite").write_text(
        "no database at all, but long enough to look", encoding="utf-8"
    )
    ledger = check(diagnosis_of(tmp_path), "ledger")
    assert not ledger.is_good
    assert "not a database" in ledger.words


def test_a_project_with_runs_names_the_newest(finished_project: Path) -> None:
    assert "the newest run is lone #7" in check(diagnosis_of(finished_project), "ledger").words


def test_the_guarantee_is_said_in_words(tmp_path: Path) -> None:
    assert set(GUARANTEES) == set(Containment)
    assert check(diagnosis_of(tmp_path), "containment").words in GUARANTEES.values()


def test_versions_are_those_that_are_installed() -> None:
    found = versions()
    assert list(found) == [
        "python",
        "nightbook",
        "papermill",
        "nbclient",
        "nbconvert",
        "mlflow",
        "jupyterlab",
        "ipykernel",
    ]
    assert all(found.values())


def test_what_an_approval_takes_is_shown_with_its_source(tmp_path: Path) -> None:
    found = {one.name: (one.value, one.source) for one in diagnosis_of(tmp_path).settings}
    assert found['reviews."*"'][1] == "default"
    assert found['reviews."*"'][0].startswith("approvals=1, may_approve=anybody, self_approval=when alone")
    text = '[reviews."nightly-*"]\napprovals = 2\nmay_approve = ["lead"]\nmetrics = { auc = { at_least = 0.8 } }'
    (tmp_path / "nightbook.toml").write_text(text, encoding="utf-8")
    found = {one.name: (one.value, one.source) for one in diagnosis_of(tmp_path).settings}
    value, source = found['reviews."nightly-*"']
    assert source == "nightbook.toml"
    assert "approvals=2, may_approve=lead" in value
    assert value.endswith("metrics=auc")


def test_a_trust_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "nobody may sign reviews yet" in check(diagnosis_of(tmp_path), "trust").words
    (tmp_path / "nightbook-trust.toml").write_text("[[keys]]\nname = 'Mara'", encoding="utf-8")
    found = check(diagnosis_of(tmp_path), "trust")
    assert not found.is_good
    assert "entry 1 (Mara)" in found.words
