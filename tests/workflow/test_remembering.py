from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from nightbook.notebooks.parameters import RawString, Text
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.facts import RunFacts
from nightbook.settings import load_settings
from nightbook.workflow.remembering import decode_values, encode_values, recall, remember
from nightbook.workflow.requests import RunRequest

RUN = Run(run_id="1", number=1, kind=RunKind.PIPELINE, status=RunStatus.FAILED)


def again(request: RunRequest) -> RunRequest:
    facts = RunFacts(
        created_at=datetime.now(UTC),
        host="",
        user="",
        tags=remember(request),
        fingerprint_parts={},
        reusable=False,
        logged_parameters={},
        artifacts=(),
    )
    return recall(request.settings, RUN, facts)


@pytest.mark.parametrize(
    "value",
    [
        Text(value="007"),
        RawString(value="é\n'"),
        7,
        7.0,
        True,
        None,
        "no",
        10**30,
        math.inf,
        date(2026, 3, 29),
        datetime(2026, 3, 29, 2, 30, tzinfo=UTC),
        Decimal("1.10"),
        Path("a/b"),
        [1, [2.5, None], {"a": (1, 2)}],
        {"$float": "NaN", "b": date(2026, 1, 1)},
    ],
    ids=repr,
)
def test_a_value_comes_back_with_its_type(value: object) -> None:
    (back,) = decode_values(encode_values({"x": value})).values()  # type: ignore[arg-type] # its own words
    assert back == value
    assert type(back) is type(value)


def test_what_is_not_a_number_stays_that() -> None:
    (back,) = decode_values(encode_values({"x": math.nan})).values()  # type: ignore[arg-type] # its own words
    assert isinstance(back, float)
    assert math.isnan(back)


def test_a_numpy_scalar_becomes_the_number_that_it_is() -> None:
    assert encode_values({"x": np.float64(0.5)}) == {"x": {"value": 0.5}}


def test_a_request_comes_back_as_it_was(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environment={})
    request = RunRequest(settings=settings, targets=("train",), parameters={"a.b": Text(value="1")}, is_forced=True)
    assert again(request) == request


def test_a_notebook_file_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(tmp_path, environment={})
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.ipynb").touch()
    monkeypatch.chdir(tmp_path / "deep")
    words = remember(RunRequest(settings=settings, targets=("one.ipynb",)))
    assert str(tmp_path) not in str(words)
    assert again(RunRequest(settings=settings, targets=("one.ipynb",))).targets == (
        str(tmp_path / "deep" / "one.ipynb"),
    )
