"""What runner and kernel say outside any cell, on disk."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.runs.redaction import Redactor

LOG_LIMIT_BYTES = 1_000_000
LONGEST_LOG_LINE = 100_000
WARNING = "] WARNING | "  # as Jupyter writes them; never what a process ended of


class RunnerLog:
    """Takes what they say as it comes: redacted by the line, bounded."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._path = path
        self._redactor = redactor
        self._pending = b""
        self._written = 0
        self.last_line = ""

    def feed(self, chunk: bytes) -> None:
        """Take what was read; whole lines are written at once."""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        for line in lines:
            self._write(line)
        if len(self._pending) > LONGEST_LOG_LINE:
            self.close()

    def close(self) -> None:
        """Write the line that was never ended."""
        if self._pending:
            self._write(self._pending)
            self._pending = b""

    def _write(self, line: bytes) -> None:
        text = self._redactor.text(line.decode("utf-8", "replace"))
        if text.strip() and WARNING not in text:
            self.last_line = text.strip()
        if self._written < LOG_LIMIT_BYTES:
            # A full disk does not end the run: whether it matters will show.
            with suppress(OSError), self._path.open("a", encoding="utf-8") as stream:
                self._written += stream.write(text + "\n")
