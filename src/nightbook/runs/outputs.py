"""What a cell shows, bounded: streams merged, progress bars collapsed, the rest cut with a visible marker."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, MutableSequence

    Output = MutableMapping[str, object]

TAIL_CHARACTERS = 20_000
MOST_OUTPUTS = 2_000
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")


class StreamText:
    """The text of one stream output: its beginning up to a limit, and its last lines."""

    def __init__(self, limit_characters: int) -> None:
        self._limit = limit_characters
        self._head: list[str] = []
        self._head_size = 0
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self.dropped = 0

    def append(self, text: str) -> int:
        """Add what was printed; returns how many characters were kept in the beginning."""
        room = self._limit - self._head_size
        if len(text) <= room:
            self._head.append(text)
            self._head_size += len(text)
            self._collapse(text)
            return len(text)
        kept, rest = text[:room], text[room:]
        self._head.append(kept)
        self._head_size += len(kept)
        self._limit = self._head_size
        self._append_to_tail(rest)
        return len(kept)

    def _collapse(self, text: str) -> None:
        # A progress bar rewrites its line thousands of times: only the last state is output.
        if "\r" in text:
            whole = _OVERWRITTEN.sub("", "".join(self._head))
            self._head = [whole]
            self._head_size = len(whole)

    def _append_to_tail(self, text: str) -> None:
        self._tail.append(text[-TAIL_CHARACTERS:])
        self.dropped += len(text)
        self._tail_size += len(self._tail[-1])
        while self._tail_size - len(self._tail[0]) >= TAIL_CHARACTERS:
            self._tail_size -= len(self._tail.popleft())

    @property
    def text(self) -> str:
        """The beginning; where something was dropped, a marker and the end."""
        head = "".join(self._head)
        tail = _OVERWRITTEN.sub("", "".join(self._tail))[-TAIL_CHARACTERS:]
        if not self.dropped:
            return head
        dropped = self.dropped - len(tail)
        if dropped <= 0:
            return head + tail
        return f"{head}\n… [nightbook: {dropped:,} characters of output dropped here, over the limit] …\n{tail}"

    @property
    def last_line(self) -> str:
        """The last line that is not blank, for a table of running stages."""
        recent = "".join(list(self._tail)[-2:]) or "".join(self._head[-2:])
        lines = [line.strip() for line in re.split(r"[\r\n]", recent[-2000:]) if line.strip()]
        return lines[-1] if lines else ""


class CellOutputs:
    """Keeps one cell's list of outputs within a limit while it grows.

    Args:
        outputs: The cell's own list (nbformat output dicts), changed in place.
        limit_bytes: Text and data kept; what comes after is dropped and counted.
        make: Makes an output of a dict, such as nbformat's nodes.
    """

    def __init__(
        self,
        outputs: MutableSequence[Output],
        limit_bytes: int,
        make: Callable[[dict[str, object]], Output] = dict,
    ) -> None:
        self._outputs = outputs
        self._make = make
        self._limit = limit_bytes
        self._used = 0
        self._streams: dict[str, tuple[Output, StreamText]] = {}
        self._dropped_outputs = 0
        self.last_line = ""
        self.is_changed = False

    @property
    def size_bytes(self) -> int:
        """What is kept so far, about."""
        return self._used

    def add_stream(self, name: str, text: str) -> None:
        """Append printed text to the stream output that is still the last of its name."""
        self.is_changed = True
        open_output, stream = self._streams.get(name, (None, None))
        if open_output is None or stream is None or not any(one is open_output for one in self._outputs[-2:]):
            open_output = self._make({"output_type": "stream", "name": name, "text": ""})
            stream = StreamText(self._limit - self._used)
            self._outputs.append(open_output)
            self._streams[name] = (open_output, stream)
        self._used += stream.append(text)
        self.last_line = stream.last_line or self.last_line

    def admit(self, content: Output) -> bool:
        """Whether a display, result or error still fits; a dropped one is counted and marked.

        A traceback always fits: it is what the reader came for.
        """
        self.is_changed = True
        size = len(json.dumps(content, default=str))
        is_error = "ename" in content
        if is_error or (self._used + size <= self._limit and len(self._outputs) < MOST_OUTPUTS):
            self._used += size
            return True
        self._dropped_outputs += 1
        return False

    def settle(self) -> None:
        """Bring the streams' text into the list: before it is read, and once at the end."""
        for output, stream in self._streams.values():
            output["text"] = stream.text
        if self._dropped_outputs:
            self._outputs[:] = [one for one in self._outputs if "nightbook" not in one.get("metadata", {})]  # type: ignore[operator]  # nbformat's metadata is a mapping
            self._outputs.append(self._make(_dropped_marker(self._dropped_outputs)))


def _dropped_marker(count: int) -> dict[str, object]:
    text = f"[nightbook: {count:,} more outputs dropped here, over the limit]"
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {"nightbook": {"dropped": count}}}
