"""What differs from run to run although nothing has changed: each rule has a name, so that what is hidden is counted.

The rules are narrow on purpose. A number, a date without a time, a hexadecimal constant or a digest may be the very
result that a review is about; each of them needs a context in which it cannot be one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Noise(StrEnum):
    """The names of the rules, as they are shown."""

    ADDRESS = "address"
    """Of an object in memory, as in `<Model at 0x7f21c0>`."""
    TIMESTAMP = "timestamp"
    """A date with a time, or the time at which a line of a log begins."""
    DURATION = "duration"
    """What `%%time` and `%timeit` print, `took 3.2 s`, rates such as `31.2it/s`."""
    PROGRESS = "progress bar"
    """Elapsed and remaining time of a bar; its counts are no noise."""
    IDENTIFIER = "random id"
    """UUIDs, and the ids that libraries make up for their HTML."""
    TEMPORARY_PATH = "temporary path"
    """The made-up part of a path in a folder for temporary files."""
    PROCESS = "process id"
    EXECUTION_COUNT = "execution count"
    """Of a cell, also where a traceback quotes it."""
    TERMINAL = "terminal code"
    """Colours, and what a carriage return has overwritten."""
    ENCODING = "image encoding"
    """The same pixels in other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSpan:
    """Where noise stands in a text: `text[start:end]`."""

    kind: Noise
    start: int
    end: int


def _behind(*words: str) -> str:
    """Only behind one of these words; Python wants each look-behind to have a fixed length."""
    return "(?:" + "|".join(rf"(?<=\b{re.escape(word)})" for word in words) + ")"


_NUMBER = r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
_UNIT = r"(?:ns|µs|μs|us|ms|s|secs?|seconds?|min|minutes?|hours?)\b"
_TIME = rf"(?:{_NUMBER} ?(?:d|h|m|min),? ){{0,3}}{_NUMBER} ?{_UNIT}"
_TOOK = [
    f"{word}{sign}"
    for word in ("took", "Took", "elapsed", "Elapsed", "time", "Time", "duration", "Duration", "runtime", "Runtime")
    for sign in (" ", ": ", ":", "=", " = ")
]
_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?: ?[AP]M\b)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT)\b| ?[+-]\d{2}:?\d{2}\b)?"
_HEX = "[0-9a-f]"

_PATTERNS: Mapping[Noise, tuple[str, ...]] = {
    Noise.PROGRESS: (
        r"(?<= \[)(?:\d+:)*\d+:\d{2}<[^\]\n]*(?=\])",
        r"(?<=eta )(?:\d+:)+\d{2}\b",
    ),
    Noise.DURATION: (
        r"(?<=CPU times: )[^\n]+",
        r"(?<=Wall time: )[^\n]+",
        rf"\b{_TIME} ± {_TIME} per loop \([^)\n]*\)",
        rf"{_behind(*_TOOK, 'in ', 'after ')}{_TIME}",
        rf"{_behind(*_TOOK)}\d+\.\d{{2,}}\b",
        rf"\b(?:\d+s )?{_NUMBER} ?(?:s|ms|us|µs)/(?:step|epoch|it|batch|sample)\b",
        rf"\b{_NUMBER} ?(?:it|rows|items|samples|[kKMG]?i?B)/s\b",
    ),
    Noise.TIMESTAMP: (
        rf"(?<!\d)\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}{_ZONE}",
        rf"\b(?:{_DAYS}[a-z]*,? )?{_MONTHS} +\d{{1,2}},? (?:\d{{4}},? )?{_CLOCK}{_ZONE}(?: \d{{4}}\b)?",
        rf"\b(?:{_DAYS}[a-z]*,? )?\d{{1,2}} {_MONTHS} \d{{4}},? {_CLOCK}{_ZONE}",
        rf"(?<![\d/])\d{{1,2}}/\d{{1,2}}/\d{{2,4}},? {_CLOCK}",
        r"(?:^|(?<=\[))\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?=[\] ])",
    ),
    Noise.IDENTIFIER: (
        rf"\b{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\b",
        rf"\bT_{_HEX}{{5}}(?=_|\b)",
        r"\bsk-(?:container|estimator)-id-\d+\b",
        rf"\baltair-viz-{_HEX}{{32}}\b",
        rf"{_behind('run_id=', 'run_id: ', 'run ID: ', 'model_id=', 'model_id: ')}{_HEX}{{32}}\b",
        rf'(?<=["#])[mp]{_HEX}{{10}}(?=["\)])',  # clip paths and markers of matplotlib's SVG
    ),
    Noise.TEMPORARY_PATH: (
        r"(?<=/tmp/)(?:tmp\w{4,}|ipykernel_\d+(?:/\d+\.py)?)",
        r"(?<=/T/)(?:tmp\w{4,}|ipykernel_\d+(?:/\d+\.py)?)",
        r"(?<=\\Temp\\)(?:tmp\w{4,}|ipykernel_\d+(?:\\\d+\.py)?)",
    ),
    Noise.ADDRESS: (r"(?<=\bat )0x[0-9a-fA-F]{4,16}\b",),
    Noise.PROCESS: (rf"{_behind('pid ', 'pid=', 'pid: ', 'PID ', 'PID: ', 'PID=')}\d+\b",),
    Noise.EXECUTION_COUNT: (
        r"(?<=\bCell In\[)\d+(?=\])",
        r"(?<=\bIn \[)\d+(?=\])",
        rf"(?<=<ipython-input-)\d+-{_HEX}+(?=>)",
    ),
}
_SIGNS: Mapping[Noise, tuple[str, ...]] = {
    Noise.PROGRESS: ("<", "eta "),
    # Parts of the words in `_TOOK`, so that few have to be looked for.
    Noise.DURATION: ("ime", "ook", "lapsed", "uration", " per loop", "in ", "after ", "/s", "/e", "/it", "/b"),
    Noise.TIMESTAMP: (":",),
    Noise.IDENTIFIER: ("-", "T_", "id", "ID", '"', "#"),
    Noise.TEMPORARY_PATH: ("tmp", "ipykernel_"),
    Noise.ADDRESS: ("at 0x",),
    Noise.PROCESS: ("pid", "PID"),
    Noise.EXECUTION_COUNT: ("In[", "In [", "<ipython-input-"),
}
"""Without one of these a text holds no such noise: looking for them is a hundred times faster than the patterns."""
_EVERYWHERE = frozenset(_PATTERNS)
_IN_VALUES = frozenset({Noise.ADDRESS, Noise.TEMPORARY_PATH})
"""In a table a date or a duration is a value like any other."""
_LONGEST = 20_000
"""A longer line is no line that somebody wrote to be read; it is taken as it is."""


def noise_in(text: str) -> tuple[NoiseSpan, ...]:
    """Where to grey a line, in order; spans do not overlap."""
    pattern = _pattern(_suspected(text, _EVERYWHERE))
    return tuple(NoiseSpan(kind=_kind(found), start=found.start(), end=found.end()) for found in pattern.finditer(text))


def quieted(text: str) -> str:
    """The line with the rule's name for what is noise: two lines that differ in noise only become equal."""
    return _pattern(_suspected(text, _EVERYWHERE)).sub(_placeholder, text)


def quieted_value(text: str) -> str:
    """The same for one value of a table."""
    return _pattern(_suspected(text, _IN_VALUES)).sub(_placeholder, text)


def noise_between(before: str, after: str) -> Counter[Noise]:
    """How much noise of each kind differs in two lines that are equal without it."""
    pairs = zip(noise_in(before), noise_in(after), strict=False)
    return Counter(old.kind for old, new in pairs if before[old.start : old.end] != after[new.start : new.end])


def noise_in_words(counts: Mapping[Noise, int]) -> str:
    """`2 timestamps, 1 address`, the most frequent first."""
    ordered = sorted(((count, kind) for kind, count in counts.items() if count), key=lambda one: (-one[0], one[1]))
    return ", ".join(f"{count:,} {kind if count == 1 else _plural(kind)}" for count, kind in ordered)


def _suspected(text: str, kinds: frozenset[Noise]) -> frozenset[Noise]:
    if len(text) > _LONGEST:
        return frozenset()
    return frozenset(kind for kind in kinds if any(sign in text for sign in _SIGNS[kind]))


@cache
def _pattern(kinds: frozenset[Noise]) -> re.Pattern[str]:
    """One pattern for these rules; where two fit, the one that stands first above wins."""
    groups = [f"(?P<{kind.name}>{'|'.join(_PATTERNS[kind])})" for kind in _PATTERNS if kind in kinds]
    return re.compile("|".join(groups) or r"(?!)", re.MULTILINE)


def _plural(kind: Noise) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def _kind(found: re.Match[str]) -> Noise:
    return Noise[found.lastgroup or ""]


def _placeholder(found: re.Match[str]) -> str:
    # From the private use area, so that no text of a notebook is taken for it.
    return f"\ue000{found.lastgroup}\ue001"
