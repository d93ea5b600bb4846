"""Values as Python source, so exact that evaluating the source gives the same value of the same type again."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path

from nightbook.errors import ParameterError

_PATH_TYPE = type(Path())
_DEEPEST = 50
_MOST_DIGITS = 4_300
_LARGEST = 10**_MOST_DIGITS


def python_literal(value: object) -> str:
    """Source that gives exactly `value`, its type included, and needs no import and no name but built-in ones.

    Raises:
        ParameterError: The value has no such source: an array, a set, an object, a text that UTF-8 cannot hold.
    """
    return _literal(exact_value(value), 0)


def exact_value(value: object, depth: int = 0) -> object:
    """A copy in which every scalar of NumPy or pandas, at any depth, is the Python value that it equals exactly.

    Raises:
        ParameterError: One of them has no exact equal, or the value contains itself.
    """
    value = plain_value(value)
    if isinstance(value, list | tuple) and type(value) in {list, tuple}:
        deeper = check_depth(depth)
        return type(value)(exact_value(item, deeper) for item in value)
    if isinstance(value, dict) and type(value) is dict:
        deeper = check_depth(depth)
        return {exact_value(key, deeper): exact_value(item, deeper) for key, item in value.items()}
    return value


def plain_value(value: object) -> object:
    """NumPy scalars and pandas timestamps as the Python value that they equal exactly; all else as it is.

    Raises:
        ParameterError: It has no exact equal in Python, such as a date with nanoseconds.
    """
    module = type(value).__module__.partition(".")[0]
    if module == "numpy" and getattr(value, "shape", None) == () and type(value).__name__ != "ndarray":
        item: object = value.item()  # type: ignore[attr-defined]  # NumPy's scalars, recognised without importing it
        is_moment = type(value).__name__ in {"datetime64", "timedelta64"}
        # A moment in nanoseconds gives a bare count, and NaT gives None.
        if type(item).__module__ == "numpy" or (is_moment and (item is None or isinstance(item, int))):
            raise inexact(value)
        return item
    if module == "pandas" and isinstance(value, datetime):
        if getattr(value, "nanosecond", None) != 0:
            raise inexact(value)
        exact: object = value.to_pydatetime()  # type: ignore[attr-defined]  # a pandas Timestamp, as above
        return exact
    return value


def inexact(value: object) -> ParameterError:
    """The refusal of a value that a notebook cannot be given exactly."""
    name = type(value).__qualname__
    message = f"{shown(value)} is of type {name}, which no parameter can hold exactly"
    remedy = "pass a Python value: bool, int, float, str, date, datetime, Path, Decimal, None, list, dict"
    return ParameterError(message, remedy=remedy)


def shown(value: object) -> str:
    """A value in a message: its source form, shortened."""
    try:
        text = repr(value)
    except ValueError:  # an int of more digits than Python prints
        text = f"an integer of more than {_MOST_DIGITS} digits"
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - about half a terminal line


def check_text(text: str) -> str:
    """The text itself, when a file in UTF-8 can hold it.

    Raises:
        ParameterError: It holds half of a surrogate pair.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"{shown(text)} holds half of a surrogate pair, which no file in UTF-8 can hold"
            raise ParameterError(message) from None
    return text


def check_integer(value: int) -> int:
    """The integer itself, when it can be written in decimal digits.

    Raises:
        ParameterError: It has more digits than Python prints.
    """
    if not -_LARGEST < value < _LARGEST:
        message = f"an integer of more than {_MOST_DIGITS} digits cannot be written in a notebook"
        raise ParameterError(message, remedy="pass it as text, in hexadecimal digits")
    return value


def check_depth(depth: int) -> int:
    """One level deeper into a nested value.

    Raises:
        ParameterError: It is nested too deeply to be written, or contains itself.
    """
    if depth >= _DEEPEST:
        message = f"a value nested deeper than {_DEEPEST} levels cannot be written in a notebook"
        raise ParameterError(message, remedy="write it to a file and pass the file's path")
    return depth + 1


def check_time(moment: datetime) -> datetime:
    """The moment itself, when its ISO 8601 text says everything about it.

    Raises:
        ParameterError: Its time zone has a name or differs from UTC by less than a second, which the text would lose,
            or it is the second of a repeated hour.
    """
    zone = moment.tzinfo
    if zone is not None and not _is_fixed_offset(zone):
        message = f"{shown(moment)} has a named time zone, which its text form would lose"
        raise ParameterError(message, remedy="pass it with a fixed offset, such as value.astimezone(timezone.utc)")
    if moment.fold:
        message = f"{shown(moment)} is the second of two equal hours, which its text form would lose"
        raise ParameterError(message, remedy="pass it with a time zone: value.astimezone(timezone.utc)")
    # Python itself reads an offset of less than a second as none: it writes more than it reads.
    if datetime.fromisoformat(moment.isoformat()).utcoffset() != moment.utcoffset():
        message = f"the time zone of {shown(moment)} is off by less than a second, which its text form would lose"
        raise ParameterError(message, remedy="pass it in UTC: value.astimezone(timezone.utc)")
    return moment


def _is_fixed_offset(zone: tzinfo) -> bool:
    return type(zone) is timezone and zone.tzname(None) == timezone(zone.utcoffset(None)).tzname(None)


def _literal(value: object, depth: int) -> str:  # noqa: PLR0911 - a return a case
    kind = type(value)
    if value is None or kind is bool:
        return repr(value)
    if kind is int:
        return repr(check_integer(value))  # type: ignore[arg-type]  # its type was compared exactly
    if kind is float:
        return repr(value) if math.isfinite(value) else f'float("{value!r}")'  # type: ignore[arg-type]  # as above
    if isinstance(value, str) and kind is str:
        return repr(check_text(value))
    if isinstance(value, list) and kind is list:
        return f"[{', '.join(_literal(item, check_depth(depth)) for item in value)}]"
    if isinstance(value, tuple) and kind is tuple:
        items = ", ".join(_literal(item, check_depth(depth)) for item in value)
        return f"({items},)" if len(value) == 1 else f"({items})"
    if isinstance(value, dict) and kind is dict:
        deeper = check_depth(depth)
        return f"{{{', '.join(f'{_literal(k, deeper)}: {_literal(v, deeper)}' for k, v in value.items())}}}"
    return _imported_literal(value)


def _imported_literal(value: object) -> str:
    # `__import__` rather than a name: the notebook may have made `date` or `Path` mean something else.
    kind = type(value)
    if isinstance(value, Decimal) and kind is Decimal:
        return f'__import__("decimal").Decimal("{value}")'
    if isinstance(value, Path) and kind is _PATH_TYPE:
        return f'__import__("pathlib").Path({check_text(str(value))!r})'
    if isinstance(value, datetime) and kind is datetime:
        check_time(value)
        return _datetime_literal(value)
    if isinstance(value, date) and kind is date:
        return f'__import__("datetime").date({value.year}, {value.month}, {value.day})'
    raise inexact(value)


def _datetime_literal(moment: datetime) -> str:
    numbers = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond]
    while len(numbers) > 5 and not numbers[-1]:  # noqa: PLR2004 - year to minute are always written
        numbers.pop()
    parts = ", ".join(map(str, numbers))
    if moment.tzinfo is not None:
        offset = moment.utcoffset() or timedelta(0)
        zone = f'__import__("datetime").timezone({_offset_literal(offset)})' if offset else _UTC_LITERAL
        parts += f", tzinfo={zone}"
    return f'__import__("datetime").datetime({parts})'


_UTC_LITERAL = '__import__("datetime").timezone.utc'


def _offset_literal(offset: timedelta) -> str:
    return f'__import__("datetime").timedelta({offset.days}, {offset.seconds}, {offset.microseconds})'
