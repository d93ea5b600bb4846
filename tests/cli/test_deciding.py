from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nightbook.errors import TrackerAwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("trusted_key")


def test_mlflow_hears_of_it_at_once_unless_later_was_asked_for(
    nightbook: Callable[..., Any], in_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = nightbook("approve", "6", "--job", "nightly", "-m", "good")
    assert (said.code, said.err) == (0, "")
    monkeypatch.setenv("NIGHTBOOK_PUBLISH", "later")
    assert nightbook("reject", "6", "-m", "no").err == ""
    monkeypatch.delenv("NIGHTBOOK_PUBLISH")
    assert "1 run sent to MLflow" in nightbook("sync").out


def test_an_mlflow_that_is_away_holds_up_no_decision(
    nightbook: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise TrackerAwayError("away")

    monkeypatch.setattr("nightbook.workflow.sync.sync", refuse)
    said = nightbook("approve", "6", "--job", "nightly", "-m", "good")
    assert said.code == 0
    assert "nightbook sync" in said.err


def test_a_decision_as_json_says_where_the_run_stands(nightbook: Callable[..., Any], in_copy: Path) -> None:
    (in_copy / "nightbook.toml").write_text('publish = "later"\n[reviews."*"]\napprovals = 2', encoding="utf-8")
    document = nightbook("approve", "6", "--job", "nightly", "-m", "good", "--json").document
    assert (document["verdict"], document["state"], document["lacks"]) == ("approved", "waiting", ["1 of 2 approvals"])
    said = nightbook("comment", "6", "-m", "one more, please")
    assert "it waits: 1 of 2 approvals" in said.err
