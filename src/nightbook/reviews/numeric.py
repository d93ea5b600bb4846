"""Numbers as they are printed, compared as numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from nightbook.numbers import MINUS, format_delta, format_number
from nightbook.records import json_value

NUMBER = re.compile(
    # Neither a part of a name, a date or a version.
    r"(?<![\w.])(?<!\d[-/:])[-+\u2212]?"
    r"(?:(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|NaN|inf(?:inity)?)"
    r"(?!\w|\.\d|[-/:]\d)"
)
_PERCENT = 100
_DECIMALS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChange:
    """Two numbers in the same place.

    Attributes:
        before: The first.
        after: The second.
    """

    before: float
    after: float

    @property
    def absolute(self) -> float | None:
        """The change with its sign; None where one is not finite."""
        return self.after - self.before if math.isfinite(self.before) and math.isfinite(self.after) else None

    @property
    def relative(self) -> float | None:
        """The change as a share of the first number's size; None where that is 0, or one is not finite."""
        change = self.absolute
        share = change / abs(self.before) if change is not None and self.before else None
        return share if share is not None and math.isfinite(share) else None

    def in_words(self) -> str:
        """`+0.25, +100%`; empty where no difference can be computed."""
        change, share = self.absolute, self.relative
        if change is None:
            return ""
        shown = format_delta(self.after, self.before)
        if share is None:
            return shown
        # What is 20 % on paper is 19.999999999999996 % as computed.
        percent = format_number(round(share * _PERCENT, _DECIMALS), "%")
        return f"{shown}, {'' if share < 0 else '+'}{percent}"

    def to_json(self) -> dict[str, object]:
        """With `null` for what cannot be computed."""
        return {
            "before": json_value(self.before),
            "after": json_value(self.after),
            "absolute": json_value(self.absolute),
            "relative": json_value(self.relative),
        }


def number_of(text: str) -> float | None:
    """The number that a text is, as `1,204`, `−3.2`, `1.2e-5`, `12%` or `nan`; None for any other text."""
    plain = text.strip().removesuffix("%").rstrip()
    return _parsed(plain) if NUMBER.fullmatch(plain) else None


def number_changes(before: str, after: str) -> tuple[NumberChange, ...]:
    """The numbers that differ in two texts which are equal but for their numbers."""
    pairs = zip(NUMBER.finditer(before), NUMBER.finditer(after), strict=True)
    changes = (NumberChange(before=_parsed(old[0]), after=_parsed(new[0])) for old, new in pairs)
    return tuple(one for one in changes if not is_close(one.before, one.after, 0))


def without_numbers(text: str) -> str:
    """What stands around the numbers."""
    return NUMBER.sub("\ue002", text)


def is_close(before: float, after: float, tolerance: float) -> bool:
    """Equal up to this share of the larger one; NaN is equal to itself, as nothing has changed."""
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) and math.isnan(after)
    return math.isclose(before, after, rel_tol=tolerance)


def _parsed(text: str) -> float:
    return float(text.replace(",", "").replace(MINUS, "-"))
