"""Numbers, times and sizes as people read them; pages, the command line and the review app share these.

The rules: integers are grouped and never get decimals; floats show four significant digits, more when two different
values would print the same; below 10⁻⁴ and from 10⁷ on they are written with a power of ten; NaN and infinities are
words; what is missing is a dash. `exact` gives the full value for titles and copies.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = "—"
_TIMES = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"
_SIGNIFICANT = 4
_MOST_DIGITS = 17
_SMALLEST_FIXED = 1e-4
_SMALLEST_SCIENTIFIC = 1e7
_EXACT_INTEGERS = 2**53
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SHOWN_WITH_DECIMAL = 0.9995  # below it rounds to less than 1000 ms
_SHOWN_IN_SECONDS = 9.95  # below it one decimal still makes two digits


def is_number(value: object) -> bool:
    """True for ints and floats; a bool is a word, not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def format_number(value: float | None, unit: str = "") -> str:
    """One number alone; `None` is the dash of "not logged"."""
    return format_column([value], unit)[0]


def format_column(values: Sequence[float | None], unit: str = "") -> list[str]:
    """Numbers that stand under each other: one number of decimals, different values never look the same."""
    present = [value for value in values if value is not None and math.isfinite(value)]
    whole = all(_is_whole(value) for value in present)
    fixed = [value for value in present if not whole and _is_fixed(value)]
    decimals = max((_decimals(value) for value in fixed), default=0)
    significant = _SIGNIFICANT
    while True:
        texts = [_text(value, decimals, significant, whole=whole) for value in values]
        if not _collide(values, texts) or significant >= _MOST_DIGITS:
            break
        decimals, significant = decimals + (1 if fixed else 0), significant + 1
    suffix = f" {unit}" if unit and unit != "%" else unit
    return [text if text == MISSING else text + suffix for text in texts]


def format_delta(new: float, old: float, unit: str = "") -> str:
    """The change from old to new with its true sign; no change is `±0`."""
    if not (math.isfinite(new) and math.isfinite(old)):
        return MISSING
    change = _exact_difference(new, old)
    if change == 0:
        return "±0"
    text = format_number(change, unit)
    return text if change < 0 else f"+{text}"


def exact(value: float | None) -> str:
    """Every digit the value has, as Python writes it."""
    if value is None:
        return "not logged"
    if not math.isfinite(value):
        return _word(value)
    if _is_whole(value):
        return str(int(value))
    return repr(value)


def format_duration(seconds: float | None) -> str:
    """`240 ms`, `4.2 s`, `42 s`, `7 m 11 s`, `2 h 5 m`, `1 d 3 h`."""
    if seconds is None:
        return MISSING
    if seconds < _SHOWN_IN_SECONDS:
        return f"{round(seconds * 1000)} ms" if seconds < _SHOWN_WITH_DECIMAL else f"{seconds:.1f} s"
    rest = round(seconds)
    if rest < _HOUR:
        return f"{rest} s" if rest < _MINUTE else f"{rest // _MINUTE} m {rest % _MINUTE} s"
    minutes = round(seconds / _MINUTE)
    if minutes * _MINUTE < _DAY:
        return f"{minutes // _MINUTE} h {minutes % _MINUTE} m"
    hours = round(seconds / _HOUR)
    return f"{hours // 24} d {hours % 24} h"


def format_time(moment: datetime | None) -> str:
    """`23 Nov 2026 02:14 UTC`, the same in every locale."""
    if moment is None:
        return MISSING
    utc = moment.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year} {utc:%H:%M} UTC"


def format_bytes(size: int | None) -> str:
    """Decimal units: `812 B`, `4.7 kB`, `1.8 MB`."""
    if size is None:
        return MISSING
    if size < 1000:  # noqa: PLR2004 - decimal units
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.5 or unit == "TB":  # noqa: PLR2004 - from there on it rounds to the next unit
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"  # noqa: PLR2004 - two digits shown


def format_count(count: int, noun: str) -> str:
    """`1 cell`, `12 cells`, `1,204 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _exact_difference(new: float, old: float) -> float:
    """Subtract as decimals, so that 0.8731 less 0.8652 is 0.0079 and not 0.007900000000000018."""
    if isinstance(new, int) and isinstance(old, int):
        return new - old
    return float(Decimal(repr(new)) - Decimal(repr(old)))


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT_INTEGERS)


def _is_fixed(value: float) -> bool:
    return value == 0 or _SMALLEST_FIXED <= abs(value) < _SMALLEST_SCIENTIFIC


def _decimals(value: float) -> int:
    """Decimals for four significant digits, fewer where the value itself has fewer."""
    if value == 0:
        return 0
    wanted = max(0, _SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    own = max(0, -exponent) if isinstance(exponent, int) else 0
    return min(wanted, own)


def _text(value: float | None, decimals: int, significant: int, *, whole: bool) -> str:
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return _word(value)
    if isinstance(value, int) or (whole and _is_whole(value)):
        return f"{int(value):,}".replace("-", MINUS)
    if _is_fixed(value):
        return f"{value:,.{decimals}f}".replace("-", MINUS)
    return _scientific(value, significant)


def _scientific(value: float, significant: int) -> str:
    digits = min(significant, len(Decimal(repr(value)).normalize().as_tuple().digits))
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}{_TIMES}10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", MINUS, 1)


def _word(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "infinity" if value > 0 else f"{MINUS}infinity"


def _collide(values: Sequence[float | None], texts: Sequence[str]) -> bool:
    shown: dict[str, float | None] = {}
    for value, text in zip(values, texts, strict=True):
        if text in shown and shown[text] != value and value == value:  # noqa: PLR0124 - NaN equals nothing, itself included
            return True
        shown[text] = value
    return False
