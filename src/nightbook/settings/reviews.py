"""What the settings file demands of an approval, by the name of the job that is approved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nightbook.errors import SettingsError
from nightbook.settings.kinds import Kind, checked, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

REVIEW_SETTINGS: Mapping[str, Kind] = {
    "approvals": Kind.WHOLE,
    "may_approve": Kind.LIST,
    "self_approval": Kind.SWITCH,
    "clean_git": Kind.SWITCH,
    "no_failing_cell": Kind.SWITCH,
    "metrics": Kind.VALUES,
}
METRIC_LIMITS = ("at_least", "at_most", "worse_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricLimit:
    """How good a metric must be; None demands nothing.

    Attributes:
        at_least: The least value.
        at_most: The greatest value.
        worse_by: How much worse it may be than in the run approved before, in the metric's own direction.
    """

    at_least: float | None = None
    at_most: float | None = None
    worse_by: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """What `[reviews.PATTERN]` says.

    Attributes:
        approvals: How many people must approve.
        may_approve: Names or roles of the trust list; empty for everyone on it.
        self_approval: Whether one may approve one's own run; None: only while one is the only trusted person.
        clean_git: The run must stand at a commit, without changes beside it.
        no_failing_cell: The run must have succeeded, with all its cells.
        metrics: What is demanded of metrics, by name.
    """

    approvals: int = 1
    may_approve: tuple[str, ...] = ()
    self_approval: bool | None = None
    clean_git: bool = False
    no_failing_cell: bool = True
    metrics: Mapping[str, MetricLimit] = field(default_factory=dict)


def read_reviews(tables: object, where: str) -> dict[str, ReviewSettings]:
    """Read the `[reviews.PATTERN]` tables.

    Raises:
        SettingsError: An unknown setting, or a value of the wrong kind.
    """
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise SettingsError(f"'reviews' in {where} must hold tables, one for a pattern of jobs", remedy='[reviews."*"]')
    reviews = {}
    for pattern, table in tables.items():
        place = f'[reviews."{pattern}"] of {where}'
        values = {
            key: checked(kind_of(key, REVIEW_SETTINGS, place), table[key], f"'{key}' in {place}") for key in table
        }
        limits = values.pop("metrics", {})
        metrics = {name: _limit(limit, f"'{name}' in the metrics of {place}") for name, limit in limits.items()}  # type: ignore[attr-defined] # a table, as has just been checked
        reviews[pattern] = ReviewSettings(metrics=metrics, **values)  # type: ignore[arg-type] # as above
    return reviews


def rules_for(reviews: Mapping[str, ReviewSettings], job: str) -> ReviewSettings:
    """The table of the job's own name, else the first whose pattern fits, else one approval by anybody trusted."""
    if job in reviews:
        return reviews[job]
    return next((rules for pattern, rules in reviews.items() if fnmatchcase(job, pattern)), ReviewSettings())


def _limit(table: object, where: str) -> MetricLimit:
    if not isinstance(table, dict) or not table or not all(_is_number(value) for value in table.values()):
        raise SettingsError(f"{where} must be a table of numbers, not {table!r}", remedy="{ at_least = 0.8 }")
    unknown = [key for key in table if key not in METRIC_LIMITS]
    if unknown:
        raise SettingsError(f"unknown limit '{unknown[0]}' of {where}", remedy=f"known: {', '.join(METRIC_LIMITS)}")
    return MetricLimit(**table)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
