from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nightbook.runs.glance import glance_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("trusted_key", "published_later")


def test_nothing_reviewed_is_said(nightbook: Callable[..., Any]) -> None:
    assert "nightbook request-review RUN" in nightbook("approvals", "list").err
    verified = nightbook("approvals", "verify")
    assert (verified.code, "nothing is signed yet" in verified.err) == (0, True)
    assert nightbook("approvals", "verify", "--json").document == {"ok": True, "runs": []}


def test_who_said_what_is_listed(nightbook: Callable[..., Any]) -> None:
    nightbook("request-review", "6")
    nightbook("approve", "6", "--job", "nightly", "-m", "טוב מאוד")
    said = nightbook("approvals", "list")
    assert said.lines[1].startswith("fit #6 ✓ approved requested")
    assert "nightly" in said.lines[2]
    assert "טוב מאוד" in said.lines[2]


def test_what_holds_and_what_does_not_is_told_with_a_code(nightbook: Callable[..., Any], in_copy: Path) -> None:
    nightbook("approve", "6", "--job", "nightly", "-m", "good")
    said = nightbook("approvals", "verify", "fit@approved")
    assert said.code == 0
    assert said.lines[0].startswith("✓ fit #6 approved by Mara")
    run_id = nightbook("runs", "show", "6", "--json").document["run_id"]
    with (in_copy / ".nightbook" / "runs" / run_id / "report.html").open("ab") as report:
        report.write(b" ")
    said = nightbook("approvals", "verify")
    assert said.code == 3
    assert "refused: report.html is not as it was" in said.lines[1]
    assert "it no longer counts as approved" in said.lines[2]
    assert nightbook("approvals", "verify", "6", "--json").document["ok"] is False


def test_shells_still_complete_runs(in_copy: Path, nightbook: Callable[..., Any]) -> None:
    nightbook("approve", "6", "--job", "nightly", "-m", "good")
    assert glance_runs(f"sqlite:///{in_copy / '.nightbook' / 'ledger.sqlite'}")
