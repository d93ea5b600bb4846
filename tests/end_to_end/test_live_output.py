"""What a notebook prints is seen while the cell that printed it goes on, however much there is."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.warmth import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LINES, LINE = 40_000, "x" * 99
# For a busy machine, on which a run takes its time to begin.
PATIENCE_SECONDS = 60.0
# The test lets it go on, twice, when it has seen what was printed so far.
TALKER = f"""
print("\\n".join(["{LINE}"] * {LINES}))
print("much of", n, flush=True)
bar = display("nothing yet", display_id=True)
open(go_on).read()
print("the last of", n, flush=True)
bar.update("all is done")
open(go_on).read()
"""


@contextmanager
def started(*arguments: str, folder: Path, seen: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command that writes what it shows to a file; it does not outlive a test that fails."""
    command = [sys.executable, "-m", "nightbook", *arguments]
    with seen.open("wb") as stream, subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def read_until(text: str, terminal: int) -> None:
    """Read what a terminal is sent until some text comes, as it does while the one who is to send it still waits."""
    shown = bytearray()

    def is_shown() -> bool:
        if select.select([terminal], [], [], 0)[0]:
            shown.extend(os.read(terminal, 65536))
        return text.encode() in shown

    until(is_shown, patience_seconds=PATIENCE_SECONDS)


def await_text(text: str, path: Path) -> None:
    until(lambda: text in path.read_text(encoding="utf-8"), patience_seconds=PATIENCE_SECONDS)


def go_on(path: Path) -> None:
    path.write_text("go on", encoding="utf-8")


@pytest.fixture
def talker(tmp_path: Path, new_notebook: Callable[..., Path], shared_warm: object) -> Path:
    del shared_warm
    for number in (1, 2):
        os.mkfifo(tmp_path / f"go-on-{number}")
    return new_notebook(tmp_path / "talker.ipynb", "n: int = 1", f"go_on = f'{tmp_path}/go-on-{{n}}'", TALKER)


def test_the_table_of_a_terminal_shows_the_last_line_while_its_cell_waits(talker: Path, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"COLUMNS": "200", "TERM": "xterm-256color", "CI": "false"}
        os.execv(sys.executable, [sys.executable, "-m", "nightbook", "run", str(talker)])
    try:
        for text in ("much of 1", "the last of 1"):
            read_until(text, terminal)
            go_on(tmp_path / "go-on-1")
        read_until("succeeded", terminal)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def test_the_last_of_a_long_output_is_followed_while_its_cell_waits(talker: Path, tmp_path: Path) -> None:
    seen = tmp_path / "logs.txt"
    with started("run", str(talker), folder=tmp_path, seen=tmp_path / "run.txt") as run:
        until(lambda: list(tmp_path.glob(".nightbook/runs/*/events.jsonl")), patience_seconds=PATIENCE_SECONDS)
        with started("runs", "logs", "-f", "latest", folder=tmp_path, seen=seen) as logs:
            for printed, displayed in (("much of 1\n", "nothing yet"), ("the last of 1\n", "all is done")):
                await_text(printed, seen)
                await_text(displayed, seen)
                events = next(tmp_path.glob(".nightbook/runs/*/events.jsonl"))
                # Each line was told once.
                assert events.stat().st_size < 1.2 * LINES * len(LINE)
                go_on(tmp_path / "go-on-1")
        assert logs.returncode == 0
    assert run.returncode == 0
    assert seen.read_text(encoding="utf-8").count(LINE) == LINES


def test_each_set_of_a_sweep_is_followed_while_its_cell_waits(talker: Path, tmp_path: Path) -> None:
    seen = tmp_path / "logs.txt"
    sweep = ("sweep", str(talker), "--grid", "n=1,2", "-j", "2")
    with started(*sweep, folder=tmp_path, seen=tmp_path / "sweep.txt") as run:
        until(
            lambda: len(list(tmp_path.glob(".nightbook/runs/*/events.jsonl"))) == 2, patience_seconds=PATIENCE_SECONDS
        )
        with started("runs", "logs", "-f", "1", folder=tmp_path, seen=seen) as logs:
            for text in ("much of", "the last of"):
                for number in (1, 2):
                    await_text(f"{text} {number}\n", seen)
                for number in (1, 2):
                    go_on(tmp_path / f"go-on-{number}")
        assert logs.returncode == 0
    assert run.returncode == 0
