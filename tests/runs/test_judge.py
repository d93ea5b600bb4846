from __future__ import annotations

from typing import Any

import pytest

from nightbook.records import Cause, CellStatus, Limits, RunStatus
from nightbook.runs.executed import CellTrace, Trace
from nightbook.runs.judge import Evidence, Judgement, Stop, judge


def cell(position: int, status: CellStatus | None = CellStatus.SUCCEEDED, **fields: Any) -> CellTrace:
    """A cell that ended as told; None for one that is still open."""
    ended = 2.0 if status is not None else None
    return CellTrace(position=position, started_at=1.0, ended_at=ended, status=status or CellStatus.NOT_RUN, **fields)


def evidence(*cells: CellTrace, trace: dict[str, Any] | None = None, **fields: Any) -> Evidence:
    known = {
        "trace": Trace(cells={one.position: one for one in cells}, **(trace or {})),
        "code_cells": 2,
        "source_indices": {0: 0, 1: None, 2: 1, 3: 2},
        "runner_returncode": 0,
        "stop": None,
        "limits": Limits(timeout_seconds=60, cell_timeout_seconds=5, memory_bytes=1_000_000_000),
    }
    return Evidence(**{**known, **fields})


ENDED = {"is_ended": True}
RAISED: dict[str, Any] = {"status": CellStatus.FAILED, "ename": "ValueError", "evalue": "no\nmore"}
BOTH = (cell(0), cell(2))


@pytest.mark.parametrize(
    ("known", "status", "cause", "message"),
    [
        (evidence(*BOTH, trace=ENDED), "succeeded", None, ""),
        (evidence(cell(0), trace={**ENDED, "early_exit": "no data"}), "succeeded", None, "no data"),
        (evidence(cell(0), cell(2, **RAISED), trace=ENDED), "failed", "cell_error", "ValueError: no (in cell 1)"),
        (evidence(cell(0), cell(1, **RAISED), trace=ENDED), "failed", "cell_error", "ValueError: no (in the injected parameters)"),
        (evidence(cell(0, CellStatus.FAILED, ename="KeyboardInterrupt"), trace=ENDED), "failed", "interrupted", "KeyboardInterrupt (in cell 0)"),
        (evidence(cell(0, CellStatus.FAILED, ename="MemoryError"), trace=ENDED), "failed", "out_of_memory", "MemoryError in cell 0"),
    ],
)  # fmt: skip
def test_a_notebook_that_ran_to_its_end(known: Evidence, status: str, cause: str | None, message: str) -> None:
    assert judge(known) == Judgement(status=RunStatus(status), cause=Cause(cause) if cause else None, message=message)


@pytest.mark.parametrize(
    ("returncode", "fields", "cause", "message"),
    [
        (3, {}, "kernel_died", "the kernel exited with status 3 in cell 1"),
        (-11, {}, "kernel_died", "the kernel was killed by SIGSEGV in cell 1"),
        (139, {}, "kernel_died", "the kernel was killed by SIGSEGV in cell 1"),
        (None, {}, "kernel_died", "the kernel vanished in cell 1"),
        (-9, {}, "kernel_died", "the kernel was killed by SIGKILL in cell 1"),
        (-9, {"memory_kills": 1}, "out_of_memory", "the kernel was killed by SIGKILL for want of memory in cell 1"),
        (-6, {"peak_memory_bytes": 900_000_000}, "out_of_memory", "the kernel was killed by SIGABRT for want of memory in cell 1 (at most 900 MB seen)"),
        (-6, {"last_log_line": "what():  std::bad_alloc"}, "out_of_memory", "the kernel was killed by SIGABRT for want of memory in cell 1"),
        (-6, {"last_log_line": "what():  std::bad_alloc", "limits": Limits()}, "kernel_died", "the kernel was killed by SIGABRT in cell 1"),
    ],
)  # fmt: skip
def test_a_kernel_that_died(returncode: int | None, fields: dict[str, Any], cause: str, message: str) -> None:
    dead = {"is_kernel_dead": True, "kernel_returncode": returncode}
    judgement = judge(evidence(cell(0), cell(2, None), trace=dead, **fields))
    assert judgement == Judgement(status=RunStatus.FAILED, cause=Cause(cause), message=message)


@pytest.mark.parametrize(
    ("stop", "status", "cause", "message"),
    [
        (Stop.RUN_TIMEOUT, "failed", "timeout", "the run took longer than 60 s and was ended in cell 1"),
        (Stop.CELL_TIMEOUT, "failed", "timeout", "a cell took longer than 5 s and was ended in cell 1"),
        (Stop.MEMORY, "failed", "out_of_memory", "the run used more than 1,000 MB and was ended in cell 1"),
        (Stop.CANCELLED, "cancelled", "interrupted", "interrupted in cell 1"),
        (Stop.ABANDONED, "cancelled", "interrupted", "the nightbook process that asked for it ended in cell 1"),
    ],
)
def test_a_run_that_we_stopped_ourselves(stop: Stop, status: str, cause: str, message: str) -> None:
    expected = Judgement(status=RunStatus(status), cause=Cause(cause), message=message)
    interrupted = cell(2, CellStatus.FAILED, ename="KeyboardInterrupt")
    dead = {"is_kernel_dead": True, "kernel_returncode": -9}
    assert judge(evidence(cell(0), cell(2, None), stop=stop, runner_returncode=-9)) == expected
    assert judge(evidence(cell(0), cell(2, None), stop=stop, trace=dead)) == expected
    assert judge(evidence(cell(0), interrupted, stop=stop, trace=ENDED)) == expected


def test_a_run_that_came_to_its_end_before_the_stop_did_succeeded() -> None:
    assert judge(evidence(*BOTH, trace=ENDED, stop=Stop.CANCELLED)).status is RunStatus.SUCCEEDED


def test_a_run_stopped_before_its_first_cell_says_so() -> None:
    assert judge(evidence(stop=Stop.CANCELLED)).message == "interrupted before the first cell"


def test_a_clean_exit_of_the_runner_proves_nothing() -> None:
    judgement = judge(evidence(cell(0), cell(2, None)))
    assert (judgement.status, judgement.cause) == (RunStatus.FAILED, Cause.INTERRUPTED)
    assert judgement.message == "the runner exited with status 0 in cell 1"


@pytest.mark.parametrize(
    ("returncode", "fields", "cause", "message"),
    [
        (-9, {}, "interrupted", "the runner was killed by SIGKILL between cells"),
        (-9, {"memory_kills": 1}, "out_of_memory", "the runner was killed for want of memory between cells"),
        (1, {"last_log_line": "OSError: No space left on device"}, "interrupted", "the runner exited with status 1 between cells: OSError: No space left on device"),
        (137, {}, "interrupted", "the runner was killed by SIGKILL between cells"),
    ],
)  # fmt: skip
def test_a_runner_that_died(returncode: int, fields: dict[str, Any], cause: str, message: str) -> None:
    judgement = judge(evidence(cell(0), runner_returncode=returncode, **fields))
    assert judgement == Judgement(status=RunStatus.FAILED, cause=Cause(cause), message=message)


def test_a_kernel_that_did_not_start_is_told_in_its_own_words() -> None:
    judgement = judge(evidence(trace={"fault": "the kernel 'r' did not start: no such file"}))
    assert judgement.cause is Cause.KERNEL_DIED
    assert judgement.message == "the kernel 'r' did not start: no such file"


def test_an_endless_error_is_told_shortly() -> None:
    long = cell(0, CellStatus.FAILED, ename="ValueError", evalue="x" * 10_000_000)
    assert len(judge(evidence(long, trace=ENDED)).message) < 600
