"""Text against text: by lines, and in a line by words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from nbconvert.filters.ansi import strip_ansi

from nightbook.reviews.alignment import align
from nightbook.reviews.noise import Noise, noise_between, quieted
from nightbook.reviews.numeric import NumberChange, is_close, number_changes, without_numbers
from nightbook.runs.report.streams import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nightbook.reviews.rules import DiffRules

_WORD = re.compile(r"\w+|\s+|.", re.DOTALL)
_LONGEST_COMPARED = 1000
_LEAST_ALIKE = 0.4
# What would move the cursor or change the colour of whoever reads the difference.
_UNPRINTABLE = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), *range(127, 160))}

_quieted = lru_cache(maxsize=10_000)(quieted)
"""A line is looked at several times, and most lines stand in both texts."""


class LineKind(StrEnum):
    """What became of a line."""

    SAME = "same"
    NOISE = "noise"
    """It differs in noise only."""
    CLOSE = "within tolerance"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"

    @property
    def is_change(self) -> bool:
        """It counts as a difference."""
        return self in {LineKind.CHANGED, LineKind.ADDED, LineKind.REMOVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of one of the two texts.

    Attributes:
        number: From 1.
        text: Without its end.
        spans: What of it differs from its counterpart, as start and end.
    """

    number: int
    text: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDiff:
    """A line and its counterpart; one of them is None where a line was added or removed.

    Attributes:
        kind: What became of it.
        before: In the first text.
        after: In the second.
        numbers: Those that changed, where nothing else in the line did.
    """

    kind: LineKind
    before: Line | None = None
    after: Line | None = None
    numbers: tuple[NumberChange, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The two lines as text."""
        return {
            "kind": self.kind.value,
            "line_before": self.before.number if self.before else None,
            "line_after": self.after.number if self.after else None,
            "before": self.before.text if self.before else None,
            "after": self.after.text if self.after else None,
            "numbers": [one.to_json() for one in self.numbers],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """Two texts, all their lines.

    Attributes:
        lines: In order, those that are the same included.
        noise: What was hidden.
    """

    lines: tuple[LineDiff, ...] = ()
    noise: Mapping[Noise, int] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """More than noise, and more than the tolerance allows."""
        return any(line.kind.is_change for line in self.lines)

    @property
    def changes(self) -> tuple[LineDiff, ...]:
        """The lines that count as different."""
        return tuple(line for line in self.lines if line.kind.is_change)

    @property
    def close(self) -> int:
        """Lines whose numbers differ by no more than the tolerance."""
        return sum(line.kind is LineKind.CLOSE for line in self.lines)

    def to_json(self) -> dict[str, object]:
        """Only the lines that differ."""
        return {"type": "text", "lines": [line.to_json() for line in self.changes]}


def diff_texts(before: str, after: str, rules: DiffRules) -> TextDiff:
    """Compare by line; what a terminal would not show is noise, unless noise is asked for."""
    noise: Counter[Noise] = Counter()
    if rules.shows_noise:
        old, new = (text.translate(_UNPRINTABLE) for text in (before, after))
    else:
        old, new = (printed(text) for text in (before, after))
        if old == new and before != after:
            noise[Noise.TERMINAL] += 1
    lines = tuple(_lines(old.split("\n"), new.split("\n"), rules))
    for line in lines:
        if line.kind is LineKind.NOISE and line.before and line.after:
            noise += noise_between(line.before.text, line.after.text)
    return TextDiff(lines=lines, noise=noise)


def printed(text: str) -> str:
    """What a terminal without colours shows in the end."""
    plain = str(strip_ansi(settle(text))).translate(_UNPRINTABLE)
    # JSON may hold halves of characters, which no terminal takes.
    return plain.encode("utf-8", "replace").decode()


def similarity(before: str, after: str) -> float:
    """From 0, no word in common, to 1, the same; symmetrical, as difflib's own ratio is not."""
    old, new = _words(before), _words(after)
    total = old.total() + new.total()
    return 2 * (old & new).total() / total if total else 1.0


@lru_cache(maxsize=2000)
def _words(text: str) -> Counter[str]:
    # Every line of code has brackets; where there are no words, the signs have to do.
    return Counter(re.findall(r"\w+", text) or text.split())


def _lines(old: Sequence[str], new: Sequence[str], rules: DiffRules) -> Iterator[LineDiff]:
    mask = _mask(rules)
    for block in align([mask(line) for line in old], [mask(line) for line in new]):
        before = [Line(number=place + 1, text=old[place]) for place in block.before]
        after = [Line(number=place + 1, text=new[place]) for place in block.after]
        if block.is_equal:
            yield from (_equal(one, other) for one, other in zip(before, after, strict=True))
        else:
            yield from _replaced(before, after, rules)


def _mask(rules: DiffRules) -> Callable[[str], str]:
    return str if rules.shows_noise else _quieted


def _equal(before: Line, after: Line) -> LineDiff:
    kind = LineKind.SAME if before.text == after.text else LineKind.NOISE
    return LineDiff(kind=kind, before=before, after=after)


def _replaced(before: list[Line], after: list[Line], rules: DiffRules) -> Iterator[LineDiff]:
    """Lines that differ in numbers only belong together; of what remains, lines in the same place do."""
    mask = _mask(rules)
    old, new = ([without_numbers(mask(line.text)) for line in lines] for lines in (before, after))
    for block in align(old, new):
        left = before[block.before.start : block.before.stop]
        right = after[block.after.start : block.after.stop]
        if block.is_equal:
            yield from (_numbers_changed(one, other, rules) for one, other in zip(left, right, strict=True))
        elif len(left) == len(right):
            for one, other in zip(left, right, strict=True):
                yield from _changed(one, other)
        else:
            yield from (LineDiff(kind=LineKind.REMOVED, before=line) for line in left)
            yield from (LineDiff(kind=LineKind.ADDED, after=line) for line in right)


def _numbers_changed(before: Line, after: Line, rules: DiffRules) -> LineDiff:
    mask = _mask(rules)
    changes = number_changes(mask(before.text), mask(after.text))
    if rules.tolerance and all(is_close(one.before, one.after, rules.tolerance) for one in changes):
        return LineDiff(kind=LineKind.CLOSE, before=before, after=after, numbers=changes)
    old, new = _marked(before, after)
    return LineDiff(kind=LineKind.CHANGED, before=old, after=new, numbers=changes)


def _changed(before: Line, after: Line) -> Iterator[LineDiff]:
    if similarity(before.text, after.text) < _LEAST_ALIKE:
        yield LineDiff(kind=LineKind.REMOVED, before=before)
        yield LineDiff(kind=LineKind.ADDED, after=after)
        return
    old, new = _marked(before, after)
    yield LineDiff(kind=LineKind.CHANGED, before=old, after=new)


def _marked(before: Line, after: Line) -> tuple[Line, Line]:
    """The lines with the words that differ."""
    if max(len(before.text), len(after.text)) > _LONGEST_COMPARED:
        return before, after
    old, new = _WORD.findall(before.text), _WORD.findall(after.text)
    codes = [code for code in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"]
    return (
        Line(number=before.number, text=before.text, spans=_spans(old, [code[1:3] for code in codes])),
        Line(number=after.number, text=after.text, spans=_spans(new, [code[3:5] for code in codes])),
    )


def _spans(words: Sequence[str], places: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return tuple((starts[first], starts[last]) for first, last in places if last > first)
