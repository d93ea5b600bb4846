from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from nightbook.notebooks.parameters import RawString, Text
from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.facts import RunFacts
from nightbook.settings import load_settings
from nightbook.workflow.remembering import (
    decode_values,
    encode_values,
    recall,
    recall_sweep,
    remember,
    remember_sweep,
)
from nightbook.workflow.requests import RunRequest, SweepRequest

RUN = Run(run_id="1", number=1, kind=RunKind.PIPELINE, status=RunStatus.FAILED)


def facts_with(tags: dict[str, str]) -> RunFacts:
    return RunFacts(
        created_at=datetime.now(UTC),
        host="",
        user="",
        tags=tags,
        fingerprint_parts={},
        reusable=False,
        logged_parameters={},
        artifacts=(),
    )


def again(request: RunRequest) -> RunRequest:
    return recall(request.settings, RUN, facts_with(remember(request)))


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


def test_a_sweep_comes_back_with_its_sets_and_forces_nothing_twice(tmp_path: Path) -> None:
    base = RunRequest(settings=load_settings(tmp_path, environment={}), targets=("fit",), is_forced=True)
    sets = ({"rate": Text(value="1e-1")}, {"rate": 0.2, "day": date(2026, 3, 29)})
    request = SweepRequest(base=base, sets=sets, objective="loss", direction="min")
    back = recall_sweep(base.settings, RUN, facts_with(remember_sweep(request)))
    assert back == replace(request, base=replace(base, is_forced=False))


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
