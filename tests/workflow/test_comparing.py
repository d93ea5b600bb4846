from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import NightbookError, RunNotFoundError
from nightbook.settings import Settings, load_settings
from nightbook.workflow.comparing import MISSING, Meaning, MetricRow, ParameterRow, compare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(finished_project: Path) -> Settings:
    return load_settings(finished_project, environment={})


@pytest.mark.parametrize(
    ("base", "value", "better", "tolerance", "meaning"),
    [
        (1.0, 2.0, "higher", None, Meaning.BETTER),
        (1.0, 2.0, "lower", None, Meaning.WORSE),
        (2.0, 1.0, "higher", None, Meaning.WORSE),
        (2.0, 1.0, "lower", None, Meaning.BETTER),
        (1.0, 2.0, "", None, Meaning.NEUTRAL),
        (1.0, 1.0, "lower", None, Meaning.SAME),
        (1.0, 1.002, "lower", 0.01, Meaning.NOISE),
        (1.0, 1.02, "lower", 0.01, Meaning.WORSE),
        (1.0, None, "lower", None, Meaning.UNKNOWN),
        (None, 1.0, "lower", None, Meaning.UNKNOWN),
        (1.0, math.nan, "lower", None, Meaning.UNKNOWN),
        (1.0, math.inf, "lower", None, Meaning.WORSE),
        (math.inf, math.inf, "lower", None, Meaning.SAME),
    ],
)
def test_a_metric_is_judged_by_the_direction_it_was_logged_with(
    base: float | None, value: float | None, better: str, tolerance: float | None, meaning: Meaning
) -> None:
    row = MetricRow(name="x", values=(base, value), better=better, tolerance=tolerance)
    assert row.meanings == (meaning,)


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ((1, 1), False),
        ((1, 2), True),
        ((1, True), True),
        ((1, 1.0), True),
        ((None, MISSING), True),
        (([1], [1]), False),
    ],
)
def test_a_parameter_differs_by_value_or_type(values: tuple[object, ...], differs: bool) -> None:
    assert ParameterRow(name="x", values=values).differs is differs


def test_two_runs_of_a_stage_show_what_differs(settings: Settings) -> None:
    found = compare(settings, ["3", "6"])
    assert [(row.name, row.values) for row in found.differing] == [("alpha", (0.25, 0.5))]
    error, size = found.metrics
    assert (error.name, error.values, error.deltas, error.meanings) == ("error", (0.75, 1.5), (0.75,), (Meaning.WORSE,))
    assert (size.name, size.meanings) == ("size", (Meaning.SAME,))
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["parameters"] == {"alpha": [0.25, 0.5]}


def test_pipelines_are_compared_stage_by_stage_where_both_ran_them(settings: Settings) -> None:
    found = compare(settings, ["1", "5"])
    assert [row.name for row in found.differing] == ["fit.alpha"]
    assert [row.name for row in found.metrics] == ["fit.error", "fit.size"]
    assert found.uncommon == ("make", "check")


def test_a_stage_run_is_compared_with_its_like_in_a_pipeline(settings: Settings) -> None:
    found = compare(settings, ["6", "1"])
    assert [(row.name, row.values) for row in found.differing] == [("fit.alpha", (0.5, 0.25))]


def test_three_runs_are_judged_against_the_first(settings: Settings) -> None:
    error, _ = compare(settings, ["6", "3", "6"]).metrics
    assert error.meanings == (Meaning.BETTER, Meaning.SAME)


def test_what_has_nothing_in_common_is_refused(settings: Settings) -> None:
    with pytest.raises(NightbookError, match="no stage in common"):
        compare(settings, ["5", "7"])


def test_one_run_is_too_few(settings: Settings) -> None:
    with pytest.raises(NightbookError, match="two runs at least"):
        compare(settings, ["3"])


def test_a_run_that_does_not_exist_is_named(settings: Settings) -> None:
    with pytest.raises(RunNotFoundError, match="no run '99'"):
        compare(settings, ["3", "99"])
