"""Printed text on its way from a kernel: what it is in characters, and when it is shown."""

from __future__ import annotations

import asyncio
import codecs
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_SECONDS = 0.2
"""How long ipykernel gathers what is printed before it shows it, unless it is flushed."""


class HeldText:
    """What was printed and is not to be shown yet: a stream's text is gathered, whatever the other one says meanwhile.

    So it is with Jupyter's kernels, where this is what makes an error message come after the text around it.

    Args:
        publish: Takes a stream's name and its text when the time has come.
    """

    def __init__(self, publish: Callable[[str, str], None]) -> None:
        self._publish = publish
        self._texts: dict[str, list[str]] = {"stdout": [], "stderr": []}

    def add(self, name: str, text: str) -> None:
        """Hold some text, for a moment; an event loop must be running."""
        if not self._texts[name]:
            asyncio.get_running_loop().call_later(HOLD_SECONDS, self.show, name)
        self._texts[name].append(text)

    def show(self, name: str) -> None:
        """Publish what a stream has gathered."""
        texts, self._texts[name] = self._texts[name], []
        if texts:
            self._publish(name, "".join(texts))

    def show_all(self) -> None:
        """Publish what both have gathered."""
        for name in self._texts:
            self.show(name)


class TextReader:
    """Reads text from a pipe.

    Args:
        descriptor: Its end, which does not block.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self, *, is_last: bool) -> str:
        """What came since, without waiting.

        Args:
            is_last: Nothing more is to come: half of a character is shown as such.
        """
        chunks = []
        with suppress(BlockingIOError):
            while chunk := os.read(self._descriptor, 1 << 16):
                chunks.append(chunk)
        return self._decoder.decode(b"".join(chunks), is_last) if chunks or is_last else ""
