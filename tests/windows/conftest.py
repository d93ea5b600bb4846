"""What is tried with a Python for Windows, under Wine; `make test-windows` says which, and nothing else collects it."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from tests.warmth import until

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTALLED = "TEST_WINDOWS"
PATIENCE_SECONDS = 120
collect_ignore_glob = [] if INSTALLED in os.environ else ["*"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Nightbook on Windows, in one folder."""

    python: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What Wine is told."""
        return {**os.environ, "WINEPREFIX": str(self.python.parent / "wine"), "WINEDEBUG": "-all"}

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; Windows cannot do without a standard input."""
        return subprocess.Popen(
            ["wine", str(self.python), "-m", "nightbook", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",  # as JSON is; words for people are in the terminal's own
            errors="replace",
        )

    def nightbook(self, *arguments: str) -> tuple[int, str, str]:
        """Its exit code, and what it said."""
        with self.begin(*arguments) as command:
            out, err = command.communicate("")
        return command.returncode, out, err

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command whose notebook has begun to print."""
        with self.begin(*arguments) as command:
            try:
                until(self._has_begun, patience_seconds=PATIENCE_SECONDS)
                yield command
            finally:
                command.kill()

    def _has_begun(self) -> bool:
        events = self.folder.glob(".nightbook/runs/*/events.jsonl")
        return any("begun" in one.read_text(encoding="utf-8") for one in events)

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        code, out, err = self.nightbook("runs", "list", "--json")
        assert code == 0, err
        found: list[dict[str, Any]] = json.loads(out)["runs"]
        return found

    def processes(self) -> list[psutil.Process]:
        """Those of Windows that are ours."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = " ".join(process.info["cmdline"] or ())
            if "python.exe" in words and ("nightbook" in words or "ipykernel" in words):
                found.append(process)
        return found


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[Windows]:
    system = Windows(python=Path(os.environ[INSTALLED]).resolve() / "python.exe", folder=tmp_path)
    yield system
    for process in system.processes():
        process.kill()
