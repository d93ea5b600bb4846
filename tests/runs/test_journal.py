from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.journal import Journal, is_executable, strict_json
from nightbook.runs.request import EVENTS, PREPARED, ExecutionRequest

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def journal(folder: Path) -> Journal:
    return Journal(
        ExecutionRequest(
            run_id="r",
            ledger="",
            root=str(folder),
            state=str(folder),
            store=str(folder),
            folder=str(folder),
            notebook="n.ipynb",
            working_directory=str(folder),
            kernel_name="python3",
            language="python",
            shown_parameters={"day": "2026-01-01"},
            secrets=("env:CANARY",),
        )
    )


def test_events_are_strict_json_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "s3cr3t-value")
    journal(tmp_path).tell(EventKind.LOGGED, payload={"value": math.nan, "token": "it is s3cr3t-value"})
    assert "s3cr3t" not in (tmp_path / EVENTS).read_text()
    (event,) = EventReader.all_of(tmp_path / EVENTS)
    payload = event.fields["payload"]
    assert isinstance(payload, dict)
    assert payload["value"] == "NaN"


def test_what_was_to_run_is_on_disk_before_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "s3cr3t-value")
    cells: list[dict[str, Any]] = [{"cell_type": kind, "metadata": {}} for kind in ("markdown", "code", "code")]
    journal(tmp_path).prepared({"metadata": {"papermill": {}}, "cells": cells})
    prepared = json.loads((tmp_path / PREPARED).read_text())
    assert prepared["metadata"]["papermill"]["parameters"] == {"day": "2026-01-01"}
    (event,) = EventReader.all_of(tmp_path / EVENTS)
    assert (event.kind, event.fields["cells"]) == (EventKind.PREPARED, 2)


def test_only_code_that_is_not_tagged_to_be_skipped_is_executed() -> None:
    assert is_executable({"cell_type": "code", "metadata": {}})
    assert not is_executable({"cell_type": "code", "metadata": {"tags": ["skip-execution"]}})
    assert not is_executable({"cell_type": "markdown", "metadata": {}})


def test_numbers_that_json_lacks_become_their_names() -> None:
    assert strict_json({"a": [math.inf, (-math.inf, 1.5)]}) == {"a": ["Infinity", ["-Infinity", 1.5]]}
