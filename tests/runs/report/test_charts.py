from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from nightbook.runs.report.charts import Bar, Series, curve, duration_bars, median, sparkline


def points_of(values: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple((float(step), value) for step, value in enumerate(values))


def svgs(html: str) -> list[ET.Element]:
    return [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]


def test_a_curve_is_drawn_for_two_widths_with_a_sentence_for_each() -> None:
    html = curve("loss", [Series(label="train_loss", points=points_of([1.0, 0.5, 0.25]))])
    wide, narrow = svgs(html)
    assert (wide.get("width"), narrow.get("width")) == ("640", "280")
    assert wide.get("role") == "img"
    assert wide.get("aria-label") == "loss by step: train_loss goes from 1.00 to 0.25"


def test_lines_are_named_at_their_ends_and_names_do_not_cover_each_other() -> None:
    same = points_of([1.0, 0.5])
    html = curve("loss", [Series(label=name, points=same) for name in ("a", "b", "c")])
    levels = [float(text.get("y", "0")) for text in svgs(html)[0].iter("text") if "name" in text.get("class", "")]
    assert len(levels) == 3
    assert all(abs(one - other) >= 14 for one, other in pairwise(levels))


def test_not_a_number_breaks_the_line_and_is_a_word_in_the_table() -> None:
    html = curve("loss", [Series(label="loss", points=points_of([1.0, 0.5, math.nan, 0.25, 0.2]))])
    line = next(path for path in svgs(html)[0].iter("path") if "line" in path.get("class", ""))
    assert line.get("d", "").count("M") == 2
    assert "NaN" in html


def test_a_constant_metric_can_be_drawn() -> None:
    assert "<svg" in curve("loss", [Series(label="loss", points=points_of([2.0, 2.0, 2.0]))])


def test_a_single_value_is_no_curve() -> None:
    assert curve("loss", [Series(label="loss", points=points_of([1.0]))]) == ""
    assert sparkline(points_of([1.0])) == ""


def test_a_hundred_thousand_steps_stay_small_and_keep_their_spike() -> None:
    values = [1.0] * 100_000
    values[54_321] = 9.0
    html = curve("loss", [Series(label="loss", points=points_of(values))])
    assert len(html) < 40_000
    assert "(200 of 100,000 steps)" in html
    line = next(path for path in svgs(html)[0].iter("path") if "line" in path.get("class", ""))
    heights = {float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", line.get("d", ""))}
    assert len(heights) == 2


def test_labels_are_escaped() -> None:
    html = curve("<b>", [Series(label="<i>", points=points_of([1.0, 2.0]))])
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_sparkline_says_where_it_began_and_ended() -> None:
    (drawing,) = svgs(sparkline(points_of([1.0, 0.5, 0.25])))
    assert drawing.get("aria-label") == "3 steps, from 1.00 to 0.25"
    assert (drawing.get("width"), drawing.get("height")) == ("120", "24")


def test_bars_name_the_median_and_the_longest() -> None:
    bars = [
        Bar(label="cell 1", seconds=1),
        Bar(label="cell 2", seconds=30),
        Bar(label="cell 3", seconds=2, failed=True),
    ]
    (drawing,) = svgs(duration_bars(bars, 2))
    assert drawing.get("aria-label") == "Durations of 3 code cells: median 2.0 s, longest cell 2 with 30 s"
    assert [bar.get("class") for bar in drawing.iter("rect")] == ["plain", "longest", "failed"]


def test_the_median_of_an_even_number_is_between_the_middle_two() -> None:
    assert median([4, 1, 3, 2]) == 2.5
    assert median([]) == 0
