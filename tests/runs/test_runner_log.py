from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.runs.redaction import Redactor
from nightbook.runs.runner_log import LONGEST_LOG_LINE, RunnerLog

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_said_outside_cells_is_kept_line_by_line_without_secrets(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path / "log.txt", Redactor(["s3cr3t-value"]))
    log.feed(b"starting\nit is s3cr")
    log.feed(b"3t-value\nlast")
    log.close()
    assert (tmp_path / "log.txt").read_text() == "starting\nit is [redacted]\nlast\n"
    assert log.last_line == "last"


def test_jupyters_warnings_are_never_taken_for_what_a_process_ended_of(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path / "log.txt", Redactor([]))
    log.feed(b"Segmentation fault\n[IPKernelApp] WARNING | unencrypted\n")
    assert log.last_line == "Segmentation fault"


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path / "log.txt", Redactor([]))
    log.feed(b"x" * (LONGEST_LOG_LINE + 1))
    assert (tmp_path / "log.txt").stat().st_size == LONGEST_LOG_LINE + 2


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    log = RunnerLog(tmp_path / "nowhere" / "log.txt", Redactor([]))
    log.feed(b"said\n")
    assert log.last_line == "said"
