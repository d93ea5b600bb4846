from __future__ import annotations

import json
import platform
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.records import MetricPoint, Pin, Run, RunKind, RunStatus
from nightbook.runs.facts import RunFacts
from nightbook.runs.shaping import (
    DATASET_DIGEST_LENGTH,
    KEY_LENGTH,
    Delivery,
    batches,
    dataset_digest,
    dataset_profile,
    dataset_source,
    shortened,
    tracked_name,
)
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

FACTS = RunFacts(
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    host="night",
    user="ada",
    tags={},
    fingerprint_parts={},
    reusable=True,
    logged_parameters={},
    artifacts=(),
)
RUN = Run(run_id="0123456789abcdef", number=418, kind=RunKind.STAGE, status=RunStatus.SUCCEEDED)


@pytest.mark.parametrize("name", ["loss", "val/loss", "mean error", "a:b", "größe", "x" * 250])
def test_a_name_that_mlflow_takes_stays_as_it_is(name: str) -> None:
    assert tracked_name(name) == name


@given(st.text())
def test_every_other_name_becomes_one_that_mlflow_takes(name: str) -> None:
    tracked = tracked_name(name)
    assert re.fullmatch(r"[/\w.\- :]+", tracked)
    assert len(tracked) <= KEY_LENGTH
    assert not {"", ".", ".."} & set(tracked.split("/"))


def test_two_names_stay_two() -> None:
    names = ["a+b", "a-b", "a*b", "a/b", "a//b", "a/../b", "", "x" * 300, "x" * 301]
    assert len({tracked_name(name) for name in names}) == len(names)


def test_a_text_within_the_limit_is_left_alone() -> None:
    assert shortened("x" * 10, 10) == "x" * 10


def test_a_longer_text_says_that_it_was_cut() -> None:
    cut = shortened("x" * 5000, 100)
    assert len(cut) == 100
    assert cut.endswith("… [cut: 5000 characters]")


def test_twenty_of_each_are_one_request() -> None:
    points = [MetricPoint(name=f"m{n}", value=1.0) for n in range(20)]
    assert (
        len(list(batches(points, dict.fromkeys(map(str, range(20)), ""), dict.fromkeys(map(str, range(10)), "")))) == 1
    )


@given(st.integers(0, 3000), st.integers(0, 350), st.integers(0, 350))
def test_batches_keep_to_the_limits_and_leave_nothing_out(metrics: int, params: int, tags: int) -> None:
    points = [MetricPoint(name="m", value=float(n)) for n in range(metrics)]
    made = list(batches(points, {f"p{n}": "" for n in range(params)}, {f"t{n}": "" for n in range(tags)}))
    assert [point for batch in made for point in batch.points] == points
    assert [name for batch in made for name in batch.params] == [f"p{n}" for n in range(params)]
    assert [name for batch in made for name in batch.tags] == [f"t{n}" for n in range(tags)]
    for batch in made:
        assert len(batch.params) <= 100
        assert len(batch.tags) <= 100
        assert 1 <= len(batch.points) + len(batch.params) + len(batch.tags) <= 1000


def test_a_dataset_shows_the_start_of_its_digest_and_keeps_the_whole() -> None:
    pin = Pin(name="flights", uri="data/flights.parquet", digest="sha256:" + "ab" * 32, size_bytes=3)
    assert dataset_digest(pin) == "ab" * 18
    assert json.loads(dataset_profile(pin)) == {"digest": pin.digest, "size_bytes": 3, "version": ""}
    assert json.loads(dataset_source(pin)) == {"uri": "data/flights.parquet"}


def test_data_without_a_digest_is_told_apart_by_version_or_place() -> None:
    one, other = Pin(name="a", uri="s3://b/one"), Pin(name="a", uri="s3://b/other")
    assert dataset_digest(one) != dataset_digest(other)
    assert dataset_digest(Pin(name="a", uri="x", version="v7")) == "v7"
    assert 0 < len(dataset_digest(one)) <= DATASET_DIGEST_LENGTH


def test_the_python_of_a_real_run_is_the_one_that_its_kernel_told(finished_project: Path) -> None:
    settings = load_settings(finished_project, environment={})
    with open_ledger(settings) as ledger:
        run = ledger.find("2")
    delivery = Delivery(run=run, facts=FACTS, points=(), folder=settings.runs_folder / run.run_id)
    # the tests' kernel is the interpreter that runs them
    assert delivery.tags["nightbook.python"] == platform.python_version()


@pytest.mark.parametrize(
    "notebook",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"metadata": []}',
        '{"metadata": {"language_info": {"name": "python"}}}',
        '{"metadata": {"language_info": {"name": "R", "version": "4.4.1"}}}',
    ],
)
def test_where_no_python_is_known_there_is_no_tag(tmp_path: Path, notebook: str | None) -> None:
    if notebook is not None:
        (tmp_path / "executed.ipynb").write_text(notebook)
    assert "nightbook.python" not in Delivery(run=RUN, facts=FACTS, points=(), folder=tmp_path).tags
