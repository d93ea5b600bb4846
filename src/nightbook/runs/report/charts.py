"""Charts as inline SVG, drawn on the server: they need no script and no library.

Text never scales: a chart that is too wide for a phone is drawn twice and CSS shows one of the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from nightbook.numbers import exact, format_column, format_count, format_duration, format_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Point = tuple[float, float]
_MOST_POINTS = 240
_MOST_ROWS = 200
_LABEL_WIDTH_PX = 7.2
_LABEL_GAP_PX = 15.0
_SPARK = (120.0, 24.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart: a label and its points in order of x; NaN breaks the line."""

    label: str
    points: tuple[Point, ...]

    @property
    def finite(self) -> list[Point]:
        """The points that can be drawn."""
        return [point for point in self.points if math.isfinite(point[1])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a duration chart."""

    label: str
    seconds: float
    link: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The plotting area inside an SVG, and how values fall on it."""

    left: float
    right: float
    top: float
    bottom: float
    x_range: Point
    y_range: Point

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (value - low) / (high - low or 1) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low or 1) * (self.bottom - self.top)


def sparkline(points: Sequence[Point]) -> Markup:
    """A line of 120 by 24 pixels with its last point marked; empty for fewer than two values."""
    drawn = _thin([point for point in points if math.isfinite(point[1])])
    if len(drawn) < 2:  # noqa: PLR2004 - a line needs two points
        return Markup()
    ys = [y for _, y in drawn]
    frame = _Frame(
        left=2, right=_SPARK[0] - 4, top=4, bottom=_SPARK[1] - 4,
        x_range=(drawn[0][0], drawn[-1][0]), y_range=(min(ys), max(ys)),
    )  # fmt: skip
    first, last = format_column([ys[0], ys[-1]])
    sentence = f"{format_count(len(points), 'step')}, from {first} to {last}"
    end_x, end_y = frame.x(drawn[-1][0]), frame.y(drawn[-1][1])
    return Markup(
        '<svg class="spark" role="img" width="120" height="24" viewBox="0 0 120 24" aria-label="{}">'
        '<path class="line s1" d="{}"/><circle class="dot s1" cx="{:.1f}" cy="{:.1f}" r="2.5"/></svg>'
    ).format(sentence, _path(drawn, frame), end_x, end_y)


def curve(title: str, series: Sequence[Series], x_label: str = "step") -> Markup:
    """A line chart of metrics over their steps, with labels at the line ends and its values as a table."""
    drawn = [one for one in series if len(one.finite) > 1]
    if not drawn:
        return Markup()
    sentence = _sentence(title, drawn, x_label)
    wide = _curve_svg(drawn, (640.0, 200.0), x_label, sentence)
    narrow = _curve_svg(drawn, (280.0, 190.0), x_label, sentence)
    return Markup(
        '<figure class="chart"><figcaption>{}</figcaption><div class="wide">{}</div>'
        '<div class="narrow">{}</div>{}</figure>'
    ).format(title, wide, narrow, _table(series, x_label))


def duration_bars(bars: Sequence[Bar], median: float) -> Markup:
    """How long each cell took, with the median as a dashed line; each bar links to its cell."""
    if not bars:
        return Markup()
    longest = max(bars, key=lambda bar: bar.seconds)
    sentence = (
        f"Durations of {format_count(len(bars), 'code cell')}: median {format_duration(median)}, "
        f"longest {longest.label} with {format_duration(longest.seconds)}"
    )
    width, height, top = 264.0, 64.0, 6.0
    pitch = width / len(bars)
    thickness = max(1.0, min(26.0, pitch * 0.78))
    scale = (height - top) / (longest.seconds or 1)
    parts = [_bar(bar, (index * pitch, thickness, height, scale), longest) for index, bar in enumerate(bars)]
    level = height - median * scale
    return Markup(
        '<svg class="bars" role="img" width="264" height="66" viewBox="0 0 264 66" aria-label="{}">{}'
        '<path class="median" d="M0 {:.1f}H264"/></svg>'
    ).format(sentence, Markup().join(parts), level)


def _bar(bar: Bar, place: tuple[float, float, float, float], longest: Bar) -> Markup:
    x, thickness, height, scale = place
    tall = max(1.0, bar.seconds * scale)
    kind = "failed" if bar.failed else "longest" if bar is longest else "plain"
    return Markup(
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {}</title></rect>'
    ).format(kind, x, height - tall, thickness, tall, bar.label, format_duration(bar.seconds))


def _curve_svg(series: Sequence[Series], size: tuple[float, float], x_label: str, sentence: str) -> Markup:
    width, height = size
    ys = [y for one in series for _, y in one.finite]
    xs = [x for one in series for x, _ in one.finite]
    ticks = _ticks(min(ys), max(ys))
    tick_texts = format_column(ticks)
    labels = [one.label if len(one.label) <= 18 else one.label[:17] + "…" for one in series]  # noqa: PLR2004 - fits the margin
    has_labels = len(series) > 1
    left = 10 + max(len(text) for text in tick_texts) * _LABEL_WIDTH_PX
    right = width - (8 + max(len(label) for label in labels) * _LABEL_WIDTH_PX if has_labels else 8)
    frame = _Frame(
        left=left, right=right, top=10, bottom=height - 26,
        x_range=(min(xs), max(xs)), y_range=(min(ys[0], ticks[0], *ys), max(ticks[-1], *ys)),
    )  # fmt: skip
    parts = [_grid(tick, text, frame) for tick, text in zip(ticks, tick_texts, strict=True)]
    parts += [
        Markup('<path class="line s{}" d="{}"/>').format(index % 5 + 1, _path(_thin(one.points), frame))
        for index, one in enumerate(series)
    ]
    if has_labels:
        parts += _end_labels(series, labels, frame)
    first, last = (format_number(int(x) if float(x).is_integer() else x) for x in frame.x_range)
    parts.append(Markup('<text x="{:.1f}" y="{:.1f}">{}</text>').format(left, height - 6, first))
    parts.append(
        Markup('<text class="end" x="{:.1f}" y="{:.1f}">{} {}</text>').format(right, height - 6, x_label, last)
    )
    return Markup(
        '<svg role="img" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" aria-label="{2}">{3}</svg>'
    ).format(width, height, sentence, Markup().join(parts))


def _grid(tick: float, text: str, frame: _Frame) -> Markup:
    level = frame.y(tick)
    return Markup(
        '<path class="grid" d="M{:.1f} {:.1f}H{:.1f}"/><text class="end" x="{:.1f}" y="{:.1f}">{}</text>'
    ).format(frame.left, level, frame.right, frame.left - 6, level + 4, text)


def _end_labels(series: Sequence[Series], labels: Sequence[str], frame: _Frame) -> list[Markup]:
    """Labels beside the line ends, pushed apart so that none covers another."""
    ends = sorted((frame.y(one.finite[-1][1]), index) for index, one in enumerate(series))
    placed: list[tuple[float, int]] = []
    for level, index in ends:
        lowest = placed[-1][0] + _LABEL_GAP_PX if placed else 0.0
        placed.append((max(level, lowest), index))
    overflow = max(0.0, placed[-1][0] - frame.bottom)
    return [
        Markup('<text class="name s{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
            index % 5 + 1, frame.right + 6, level - overflow + 4, labels[index]
        )
        for level, index in placed
    ]


def _ticks(low: float, high: float) -> list[float]:
    """Three to five round values inside the range (or around a constant)."""
    if low == high:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    count = math.floor(high / step) - first + 1
    return [float(f"{(first + index) * step:.12g}") for index in range(count)] or [low, high]


def _thin(points: Sequence[Point]) -> list[Point]:
    """At most a few hundred points that keep each bucket's extremes, so that no spike vanishes."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    size = math.ceil(len(points) / (_MOST_POINTS / 2))
    kept: list[Point] = [points[0]]
    for start in range(0, len(points), size):
        bucket = [point for point in points[start : start + size] if math.isfinite(point[1])]
        if bucket:
            ends = {min(bucket, key=lambda point: point[1]), max(bucket, key=lambda point: point[1])}
            kept.extend(sorted(ends))
    kept.append(points[-1])
    return kept


def _path(points: Iterable[Point], frame: _Frame) -> str:
    steps: list[str] = []
    pen_up = True
    for x, y in points:
        if not math.isfinite(y):
            pen_up = True
            continue
        steps.append(f"{'M' if pen_up else 'L'}{frame.x(x):.1f} {frame.y(y):.1f}")
        pen_up = False
    return "".join(steps)


def _sentence(title: str, series: Sequence[Series], x_label: str) -> str:
    parts = []
    for one in series:
        first, last = format_column([one.finite[0][1], one.finite[-1][1]])
        parts.append(f"{one.label} goes from {first} to {last}")
    return f"{title} by {x_label}: {'; '.join(parts)}"


def _table(series: Sequence[Series], x_label: str) -> Markup:
    """The same numbers to read: every step of the first few hundred, then evenly chosen ones, and the page says so."""
    steps = sorted({x for one in series for x, _ in one.points})
    shown = steps
    if len(steps) > _MOST_ROWS:
        shown = [steps[round(place * (len(steps) - 1) / (_MOST_ROWS - 1))] for place in range(_MOST_ROWS)]
    values = [dict(one.points) for one in series]
    columns = [format_column([known.get(step) for step in shown]) for known in values]
    head = Markup().join(Markup('<th scope="col" class="n">{}</th>').format(one.label) for one in series)
    rows = []
    for index, step in enumerate(shown):
        cells = Markup().join(
            Markup('<td class="n" title="{}">{}</td>').format(exact(known.get(step)), column[index])
            for known, column in zip(values, columns, strict=True)
        )
        rows.append(Markup('<tr><th scope="row" class="n">{:g}</th>{}</tr>').format(step, cells))
    note = "" if len(shown) == len(steps) else f" ({len(shown)} of {len(steps):,} steps)"
    return Markup(
        '<details class="as-table"><summary>Show as table{}</summary>'
        '<div class="scroll" role="group" tabindex="0" aria-label="Values">'
        '<table><thead><tr><th scope="col" class="n">{}</th>{}</tr></thead><tbody>{}</tbody></table></div></details>'
    ).format(note, x_label, head, Markup().join(rows))


def median(values: Sequence[float]) -> float:
    """The middle value; 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
