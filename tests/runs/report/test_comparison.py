from __future__ import annotations

import math
import re
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.records import Cause, MetricPoint, RunKind, RunStatus
from nightbook.runs.report.comparison import ComparisonContext, render_comparison

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from nightbook.records import Run


@pytest.fixture
def parent(make_run: Callable[..., Run]) -> Run:
    return make_run(kind=RunKind.SWEEP, number=399, run_id="sweep")


@pytest.fixture
def children(make_run: Callable[..., Run]) -> list[Run]:
    errors = [31.5, 30.25, math.nan, 30.75, 40.125]
    runs = [
        make_run(run_id=f"r{place}", number=400 + place, parameters={"rate": rate, "learner": "ridge", "month": 6}, metrics={"mae": error, "rows": 1000.0})
        for place, (rate, error) in enumerate(zip((0.1, 0.03, 0.3, 0.01, 1.0), errors, strict=True))
    ]  # fmt: skip
    failed = make_run(
        run_id="r9",
        number=409,
        parameters={"rate": 9.0, "learner": "ridge", "month": 6},
        metrics={},
        status=RunStatus.FAILED,
        cause=Cause.CELL_ERROR,
        message="ValueError: <no>",
    )
    return [failed, *runs]


@pytest.fixture
def context() -> ComparisonContext:
    return ComparisonContext(
        project="flights", objective="mae", better="lower", points=(MetricPoint(name="mae", value=1, unit="min", tolerance=0.1),),
        links={f"r{place}": f"../r{place}/report.html" for place in range(5)},
    )  # fmt: skip


def order_of(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<th scope="row" data-key="(\d+)">', html)]


def test_runs_stand_best_first_and_what_failed_last(
    parent: Run, children: list[Run], context: ComparisonContext
) -> None:
    html = render_comparison(parent, children, context)
    assert order_of(html) == [401, 403, 400, 404, 402, 409]
    assert "6 runs: 5 succeeded, 1 failed" in html
    assert "sweep #399" in html


def test_the_winner_its_lead_and_its_report_are_told(
    parent: Run, children: list[Run], context: ComparisonContext
) -> None:
    html = render_comparison(parent, children, context)
    assert "train #401 has the best mae, 30.25 min, ahead of train #403 by 0.5 min." in html
    assert '<a class="button" href="../r1/report.html">' in html
    assert html.count('class="best-word"') == 1


def test_a_lead_within_the_tolerance_is_noise(
    parent: Run, make_run: Callable[..., Run], context: ComparisonContext
) -> None:
    runs = [
        make_run(run_id="a", number=1, metrics={"mae": 30.0}),
        make_run(run_id="b", number=2, metrics={"mae": 30.05}),
    ]
    assert "by 0.05 min, which is within the declared noise." in render_comparison(parent, runs, context)


def test_equal_bests_are_both_named(parent: Run, make_run: Callable[..., Run], context: ComparisonContext) -> None:
    runs = [
        make_run(run_id="a", number=1, metrics={"mae": 30.0}),
        make_run(run_id="b", number=2, metrics={"mae": 30.0}),
    ]
    html = render_comparison(parent, runs, context)
    assert "as has train #2." in html
    assert html.count('class="best-word"') == 2


def test_without_an_objective_nothing_is_called_the_best_run(parent: Run, children: list[Run]) -> None:
    html = render_comparison(parent, children, ComparisonContext(project="flights"))
    assert "has the best" not in html
    assert order_of(html) == [400, 401, 402, 403, 404, 409]


def test_parameters_that_do_not_vary_are_told_once(
    parent: Run, children: list[Run], context: ComparisonContext
) -> None:
    html = render_comparison(parent, children, context)
    assert ">rate</button>" in html
    assert ">month</button>" not in html
    assert "The same in every run" in html


def test_true_and_one_are_different_settings(parent: Run, make_run: Callable[..., Run]) -> None:
    runs = [
        make_run(run_id="a", number=1, parameters={"flag": True}),
        make_run(run_id="b", number=2, parameters={"flag": 1}),
    ]
    assert ">flag</button>" in render_comparison(parent, runs, ComparisonContext(project="p"))


def test_a_sweep_without_runs_has_a_page(parent: Run, context: ComparisonContext) -> None:
    assert "This sweep has no runs yet." in render_comparison(parent, [], context)


def test_messages_are_escaped_and_a_run_without_report_has_no_link(
    parent: Run, children: list[Run], context: ComparisonContext
) -> None:
    html = render_comparison(parent, children, context)
    assert "ValueError: &lt;no&gt;" in html
    assert "r9/report.html" not in html


@pytest.mark.browser
def test_a_heading_sorts_its_column_and_missing_values_stay_last(
    parent: Run, children: list[Run], context: ComparisonContext, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    def shown(page: Any) -> list[str]:
        return [text.split("#")[1] for text in page.locator("tbody th").all_inner_texts()]

    with open_html(render_comparison(parent, children, context)) as opened:
        opened.page.click("th button:text('rate')")
        assert shown(opened.page) == ["403", "401", "400", "402", "404", "409"]
        assert opened.page.get_attribute("th:has(button:text('rate'))", "aria-sort") == "ascending"
        opened.page.click("th button:text('rate')")
        assert shown(opened.page) == ["409", "404", "402", "400", "401", "403"]
        opened.page.click("th button:text('mae')")
        assert shown(opened.page)[:4] == ["401", "403", "400", "404"]
        assert opened.page.locator("[aria-sort]").count() == 1
        assert opened.problems == []


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), list(product([1280, 390], ["light", "dark"])))
def test_the_page_is_accessible_offline_and_fits(
    parent: Run,
    children: list[Run],
    context: ComparisonContext,
    open_html: Callable[..., AbstractContextManager[Any]],
    width: int,
    scheme: str,
) -> None:
    with open_html(render_comparison(parent, children, context), width=width, scheme=scheme) as opened:
        assert opened.violations() == []
        assert opened.overflow() == 0
        assert opened.requests == []
        assert opened.problems == []
        opened.page.set_viewport_size({"width": 320, "height": 700})
        assert opened.overflow() == 0


@pytest.mark.browser
def test_without_scripts_the_table_is_complete(
    parent: Run, children: list[Run], context: ComparisonContext, open_html: Callable[..., AbstractContextManager[Any]]
) -> None:
    with open_html(render_comparison(parent, children, context), scripts=False) as opened:
        assert opened.page.locator("tbody tr").count() == 6
        assert "30.25" in opened.page.locator("tbody tr >> nth=0").inner_text()
