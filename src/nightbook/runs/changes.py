"""What a cell shows, told and followed while it grows: what is new is told, however much there is already."""

from __future__ import annotations

import time
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from nightbook.runs.events import EventKind
from nightbook.runs.outputs import size_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.events import Event
    from nightbook.runs.journal import Journal
    from nightbook.runs.outputs import CellOutputs

PROGRESS_SECONDS = 0.25
# A look at a very long output takes its time: not more than a tenth of all.
_REST = 9
_ALLOWANCE_BYTES = 180_000
_ALLOWANCE_PER_LOOK_BYTES = 300
_LINE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Change:
    """One output of a cell that is not what it was.

    Attributes:
        index: Its place among the cell's outputs.
        kept: How many characters of a stream's text stay.
        output: What it is now, of a stream's text only what follows those that stay.
    """

    index: int
    kept: int
    output: Mapping[str, Any]


def changes_between(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Change]:
    """How outputs became what they are; what is gone at the end is not said."""
    return [
        _change(index, before[index] if index < len(before) else {}, one)
        for index, one in enumerate(after)
        if index >= len(before) or one != before[index]
    ]


def _change(index: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    if not _is_stream(after) or before.get("name") != after.get("name"):
        return Change(index, 0, after)
    kept = _kept(str(before["text"]), str(after["text"]))
    return Change(index, kept, {**after, "text": after["text"][kept:]})


def _is_stream(output: Mapping[str, Any]) -> bool:
    return output.get("output_type") == "stream" and isinstance(output.get("text"), str)


def _kept(before: str, after: str) -> int:
    """All of a text that has grown; otherwise the lines before the first one that is another."""
    if after.startswith(before):
        return len(before)
    same = bisect_left(range(len(before)), x=True, key=lambda end: not after.startswith(before[: end + 1]))
    return before.rfind("\n", 0, same) + 1


class OutputNews:
    """Tells the journal what the cell that runs shows, some times a second.

    However often an output is written anew, what is told of it grows about as it does: what has come may be told once,
    and a little more at each look, so that all is told in the end.

    Args:
        journal: Is told.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: list[Mapping[str, Any]] = []
        self._line = ""
        self._allowed = _ALLOWANCE_BYTES
        self._next_look = 0.0
        self.is_pending = False

    def begin(self) -> None:
        """The next cell shows nothing yet."""
        self._told, self._line, self.is_pending = [], "", False

    def heard(self, content: object) -> None:
        """Something came that may change what the cell shows."""
        self._allowed += size_of(content)
        self.is_pending = True

    def tell(self, position: int, outputs: CellOutputs | None) -> None:
        """Tell what is new unless something was told a moment ago."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._tell_line(position, outputs.last_line[:_LINE_CHARACTERS] if outputs is not None else "")
        self._tell_changes(position, outputs.shown() if outputs is not None else [])
        self._next_look = time.monotonic() + max(PROGRESS_SECONDS, _REST * (time.monotonic() - now))

    def _tell_line(self, position: int, line: str) -> None:
        if line != self._line:
            self._line = line
            self._journal.tell(EventKind.OUTPUT, position=position, line=line)

    def _tell_changes(self, position: int, shown: Sequence[Mapping[str, Any]]) -> None:
        changes = changes_between(self._told, shown)
        size = sum(size_of(one.output) for one in changes)
        self._allowed += _ALLOWANCE_PER_LOOK_BYTES
        if size > self._allowed:
            return
        self.is_pending = False
        if not changes and len(shown) == len(self._told):
            return
        self._allowed -= size
        # Copies: the outputs themselves change in place.
        self._told = [dict(one) for one in shown]
        told = [{"index": one.index, "kept": one.kept, "output": one.output} for one in changes]
        self._journal.tell(EventKind.OUTPUTS_CHANGED, position=position, count=len(shown), changes=told)


@dataclass(slots=True)
class _Shown:
    """An output; the text of a stream in pieces, so that what is appended costs nothing of what is there."""

    output: Mapping[str, Any]
    pieces: list[str] = field(default_factory=list)
    size: int = 0

    def whole(self) -> Mapping[str, Any]:
        if not _is_stream(self.output):
            return self.output
        self.pieces = ["".join(self.pieces)]
        return {**self.output, "text": self.pieces[0]}

    def take(self, change: Change) -> bool:
        """Change; returns whether more than something new at the end."""
        is_replaced = change.kept < self.size or not _is_stream(self.output)
        if is_replaced:
            self.pieces = ["".join(self.pieces)[: change.kept]]
        self.output, text = change.output, change.output["text"] if _is_stream(change.output) else ""
        self.pieces.append(text)
        self.size = change.kept + len(text)
        return is_replaced


class FollowedOutputs:
    """What a cell shows, as its events tell it one after the other."""

    def __init__(self) -> None:
        self._shown: list[_Shown] = []

    @property
    def outputs(self) -> list[Any]:
        """All of it, as nbformat's dicts."""
        return [one.whole() for one in self._shown]

    def take(self, event: Event) -> list[tuple[Mapping[str, Any], bool]]:
        """Follow one event; returns what is new, and of each whether it stands in place of something else."""
        if event.kind is EventKind.OUTPUTS_CHANGED:
            count, changes = cast("int", event.fields["count"]), cast("list[Any]", event.fields["changes"])
            return self._take(count, [Change(**one) for one in changes])
        told = event.fields.get("outputs")
        outputs = told if isinstance(told, list) else []
        return self._take(len(outputs), changes_between(self.outputs, outputs))

    def _take(self, count: int, changes: Sequence[Change]) -> list[tuple[Mapping[str, Any], bool]]:
        del self._shown[count:]
        news = []
        for change in changes:
            if change.index < len(self._shown):
                news.append((change.output, self._shown[change.index].take(change)))
                continue
            text = change.output["text"] if _is_stream(change.output) else ""
            self._shown.append(_Shown(change.output, [text], len(text)))
            news.append((change.output, False))
        return news
