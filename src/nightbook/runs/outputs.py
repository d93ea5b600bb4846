"""What a cell shows, bounded: streams merged, progress bars collapsed, the rest cut with a visible marker."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING

from nightbook.runs.redaction import NOTHING_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, MutableSequence

    from nightbook.runs.redaction import Redactor

    Output = MutableMapping[str, object]

TAIL_CHARACTERS = 20_000
MOST_OUTPUTS = 2_000
_LAST_LINE_CHARACTERS = 2_000


class StreamText:
    """The text of one stream output: its beginning up to a limit, and its last lines.

    A line that is written again after a carriage return, as progress bars do thousands of times, counts once.

    Args:
        limit_characters: How much of the beginning is kept.
        redactor: Takes secrets out, also those that come in pieces.
    """

    def __init__(self, limit_characters: int, redactor: Redactor = NOTHING_SECRET) -> None:
        self._limit = limit_characters
        self._secrets = redactor.stream()
        self._lines: list[str] = []
        self._lines_size = 0
        self._line: list[str] = []
        self._line_size = 0
        self._is_returned = False
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.dropped = 0

    @property
    def size(self) -> int:
        """Characters kept."""
        return self._lines_size + self._line_size + min(self._tail_size, TAIL_CHARACTERS)

    def append(self, text: str) -> None:
        """Add what was printed."""
        text = self._secrets.feed(text)
        if self.dropped:
            self._append_to_tail(text)
            return
        if "\r" in text or self._is_returned:
            text = self._carriage_returned(text)
        room = self._limit - self._lines_size - self._line_size
        self._append_to_head(text[: max(0, room)])
        if len(text) > room:
            self._append_to_tail(text[max(0, room) :])

    def _carriage_returned(self, text: str) -> str:
        """Drop what is overwritten; a return at the very end overwrites only what comes next."""
        if self._is_returned and text and not text.startswith("\n"):
            self._line, self._line_size = [], 0
        self._is_returned = text.endswith("\r") or (self._is_returned and not text)
        text = text.removesuffix("\r")
        first_line = text.partition("\n")[0]
        if "\r" in first_line.rstrip("\r"):
            self._line, self._line_size = [], 0
        return visible(text)

    def _append_to_head(self, text: str) -> None:
        end = text.rfind("\n") + 1
        if end:
            self._lines += [*self._line, text[:end]]
            self._lines_size += self._line_size + end
            self._line, self._line_size = [], 0
        self._line.append(text[end:])
        self._line_size += len(text) - end

    def _append_to_tail(self, text: str) -> None:
        self._tail.append(text[-TAIL_CHARACTERS:])
        self.dropped += len(text)
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= TAIL_CHARACTERS:
            self._tail_size -= len(self._tail.popleft())

    @property
    def text(self) -> str:
        """The beginning; where something was dropped, a marker and the end."""
        head = "".join([*self._lines, *self._line])
        if not self.dropped:
            return head + self._secrets.rest
        tail = visible("".join(self._tail))[-TAIL_CHARACTERS:] + self._secrets.rest
        dropped = self.dropped - len(tail)
        if dropped <= 0:
            return head + tail
        return f"{head}\n… [nightbook: {dropped:,} characters of output dropped here, over the limit] …\n{tail}"

    @property
    def last_line(self) -> str:
        """The last line that is not blank, for a table of running stages."""
        pieces = [*self._lines[-3:], *self._line[-50:], *list(self._tail)[-2:]]
        recent = "".join(piece[-_LAST_LINE_CHARACTERS:] for piece in pieces)[-_LAST_LINE_CHARACTERS:]
        lines = [line.strip() for line in re.split(r"[\r\n]", recent) if line.strip()]
        return lines[-1] if lines else ""


class CellOutputs:
    """Keeps one list of outputs, a cell's or an output widget's, within a limit while it grows.

    The list itself holds each output at its place for good: markers of what was dropped stand only in `shown`.

    Args:
        outputs: The list (nbformat output dicts), changed in place.
        limit_bytes: Text and data kept; what comes after is dropped and counted.
        make: Makes an output of a dict, such as nbformat's nodes.
        redactor: Takes secrets out of printed text.
    """

    def __init__(
        self,
        outputs: MutableSequence[Output],
        limit_bytes: int,
        make: Callable[[dict[str, object]], Output] = dict,
        redactor: Redactor = NOTHING_SECRET,
    ) -> None:
        self._outputs = outputs
        self._make = make
        self._limit = limit_bytes
        self._redactor = redactor
        self._closed_size = 0
        self._open: dict[str, tuple[Output, StreamText]] = {}
        self._last_name = ""
        self._dropped_outputs = 0

    @property
    def size_bytes(self) -> int:
        """What is kept so far, about."""
        return self._closed_size + sum(stream.size for _, stream in self._open.values())

    @property
    def last_line(self) -> str:
        """The last line printed, for a table of running stages."""
        return self._open[self._last_name][1].last_line if self._last_name in self._open else ""

    def add_stream(self, name: str, text: str) -> None:
        """Append printed text to the stream output that is still the last of its name."""
        if name in self._open and not any(one is self._open[name][0] for one in self._outputs[-2:]):
            self._close(name)
        if name not in self._open:
            output = self._make({"output_type": "stream", "name": name, "text": ""})
            self._open[name] = (output, StreamText(self._limit - self.size_bytes, self._redactor))
            self._outputs.append(output)
        self._open[name][1].append(text)
        self._last_name = name

    def _close(self, name: str) -> None:
        output, stream = self._open.pop(name)
        output["text"] = stream.text
        self._closed_size += stream.size

    def admit(self, content: Output) -> bool:
        """Whether a display, result or error still fits; a dropped one is counted and marked.

        An error always fits, if need be shortened: it is what the reader came for.
        """
        if "ename" in content:
            _shorten(content, self._limit)
            return True
        size = size_of(content)
        if self.size_bytes + size <= self._limit and len(self._outputs) < MOST_OUTPUTS:
            self._closed_size += size
            return True
        self._dropped_outputs += 1
        return False

    def shown(self) -> list[Output]:
        """The outputs as they stand now, with a marker for those dropped."""
        for output, stream in self._open.values():
            output["text"] = stream.text
        if not self._dropped_outputs:
            return list(self._outputs)
        return [*self._outputs, self._make(_dropped_marker(self._dropped_outputs))]


def visible(text: str) -> str:
    """The text as a terminal would end up showing it: of each line what follows its last carriage return."""
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def size_of(content: object) -> int:
    """Bytes of some output as JSON, about."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return sum(len(str(key)) + size_of(value) for key, value in content.items())
    if isinstance(content, list | tuple):
        return sum(map(size_of, content))
    return len(json.dumps(content, default=str))


def storable_data(data: Mapping[str, object]) -> dict[str, object]:
    """A display's data under names that the notebook format allows: what is no text must be called JSON.

    Altair 6 sends charts as `application/vnd.vegalite.v6.json`; nbformat refuses the whole notebook for it.
    """
    return {_storable_name(name, value): value for name, value in data.items()}


def _storable_name(name: str, value: object) -> str:
    if isinstance(value, str | list) or name == "application/json" or name.endswith("+json"):
        return name
    return f"{name.removesuffix('.json')}+json"


def too_large(size_bytes: int) -> dict[str, object]:
    """What stands in place of data that is over the limit."""
    return {"text/plain": f"[nightbook: {size_bytes:,} bytes of output dropped here, over the limit]"}


def _shorten(error: Output, limit: int) -> None:
    for key in ("ename", "evalue"):
        error[key] = _shortened(str(error.get(key, "")), limit // 4)
    lines = error.get("traceback")
    if isinstance(lines, list):
        room = max(1, limit // (2 * max(1, len(lines))))
        error["traceback"] = [_shortened(str(line), room) for line in lines]


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}… [nightbook: {len(text) - 2 * half:,} characters dropped] …{text[len(text) - half :]}"


def _dropped_marker(count: int) -> dict[str, object]:
    text = f"[nightbook: {count:,} more outputs dropped here, over the limit]"
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {"nightbook": {"dropped": count}}}
