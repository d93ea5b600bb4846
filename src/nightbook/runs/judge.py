"""What became of a run, from evidence alone: a pure function, so that each verdict can be read and tested."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightbook.records import Cause, CellStatus, Limits, RunStatus
from nightbook.systems import KILL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.runs.executed import CellTrace, Trace

MEMORY_ERRORS = frozenset({"MemoryError", "_ArrayMemoryError", "ArrowMemoryError", "OutOfMemoryError"})
MEMORY_WORDS = ("bad_alloc", "Cannot allocate memory", "out of memory", "memory allocation of")
NEARLY_ALL = 0.8
LONGEST_LINE = 500


class Stop(StrEnum):
    """Why the supervisor itself ended a run."""

    RUN_TIMEOUT = "run_timeout"
    CELL_TIMEOUT = "cell_timeout"
    MEMORY = "memory"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known when no process of the run is left.

    Attributes:
        trace: The events.
        code_cells: How many code cells were to be executed.
        source_indices: The source notebook's index of each position; None for the injected parameters.
        runner_returncode: As `subprocess` gives it, negative for a signal.
        stop: Why we ended it; None when it ended by itself.
        limits: The limits it ran under.
        memory_kills: Processes that the operating system killed for memory meanwhile.
        peak_memory_bytes: The most that was seen.
        last_log_line: What the runner or kernel last said outside any cell.
    """

    trace: Trace
    code_cells: int
    source_indices: Mapping[int, int | None]
    runner_returncode: int | None
    stop: Stop | None
    limits: Limits
    memory_kills: int = 0
    peak_memory_bytes: int = 0
    last_log_line: str = ""

    @property
    def last_words(self) -> str:
        """What was said last, in the open cell or outside any cell."""
        cell = self.trace.open_cell
        shown = "".join(str(output.get("text", "")) for output in cell.outputs[-2:]) if cell is not None else ""
        return f"{shown[-LONGEST_LINE:]} {self.last_log_line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The one true final state."""

    status: RunStatus
    cause: Cause | None = None
    message: str = ""


def judge(evidence: Evidence) -> Judgement:
    """Find the cause: first what we did ourselves, then the kernel, the cell, the runner."""
    trace = evidence.trace
    if evidence.stop is not None and not _ran_through(evidence):
        return _judge_stop(evidence, evidence.stop)
    if trace.is_kernel_dead:
        return _judge_dead_kernel(evidence)
    failed = next((cell for cell in trace.cells.values() if cell.status is CellStatus.FAILED), None)
    if failed is not None:
        return _judge_failed_cell(evidence, failed)
    if _ran_through(evidence):
        return Judgement(status=RunStatus.SUCCEEDED, message=trace.early_exit or "")
    return _judge_runner(evidence)


def _ran_through(evidence: Evidence) -> bool:
    trace = evidence.trace
    succeeded = sum(cell.status is CellStatus.SUCCEEDED for cell in trace.cells.values())
    is_whole = succeeded == evidence.code_cells or trace.early_exit is not None
    return is_whole and (trace.is_ended or trace.early_exit is not None) and evidence.runner_returncode == 0


def _where(evidence: Evidence, cell: CellTrace | None) -> str:
    if cell is None:
        return "before the first cell" if not evidence.trace.cells else "between cells"
    index = evidence.source_indices.get(cell.position)
    return "in the injected parameters" if index is None else f"in cell {index}"


def _judge_stop(evidence: Evidence, stop: Stop) -> Judgement:
    where = _where(evidence, evidence.trace.failed_cell)
    limits = evidence.limits
    if stop is Stop.RUN_TIMEOUT:
        message = f"the run took longer than {limits.timeout_seconds:g} s and was ended {where}"
        return Judgement(status=RunStatus.FAILED, cause=Cause.TIMEOUT, message=message)
    if stop is Stop.CELL_TIMEOUT:
        message = f"a cell took longer than {limits.cell_timeout_seconds:g} s and was ended {where}"
        return Judgement(status=RunStatus.FAILED, cause=Cause.TIMEOUT, message=message)
    if stop is Stop.MEMORY:
        return _out_of_memory(
            evidence, f"the run used more than {_megabytes(limits.memory_bytes)} and was ended {where}"
        )
    who = "the nightbook process that asked for it ended" if stop is Stop.ABANDONED else "interrupted"
    return Judgement(status=RunStatus.CANCELLED, cause=Cause.INTERRUPTED, message=f"{who} {where}")


def _judge_dead_kernel(evidence: Evidence) -> Judgement:
    where = _where(evidence, evidence.trace.open_cell)
    returncode = evidence.trace.kernel_returncode
    how = _how_it_ended(returncode)
    limit = evidence.limits.memory_bytes
    is_at_limit = limit is not None and evidence.peak_memory_bytes > NEARLY_ALL * limit
    # A program in C that the limit refuses memory says so and aborts.
    is_refused = limit is not None and any(word in evidence.last_words for word in MEMORY_WORDS)
    if (returncode == -KILL and evidence.memory_kills) or is_at_limit or is_refused:
        return _out_of_memory(evidence, f"the kernel {how} for want of memory {where}")
    return Judgement(status=RunStatus.FAILED, cause=Cause.KERNEL_DIED, message=f"the kernel {how} {where}")


def _judge_failed_cell(evidence: Evidence, failed: CellTrace) -> Judgement:
    where = _where(evidence, failed)
    first_line = failed.evalue.strip().splitlines()[:1]
    error = f"{failed.ename}: {first_line[0][:LONGEST_LINE]}" if first_line else failed.ename
    if failed.ename in MEMORY_ERRORS:
        return _out_of_memory(evidence, f"{error} {where}")
    cause = Cause.INTERRUPTED if failed.ename == "KeyboardInterrupt" else Cause.CELL_ERROR
    return Judgement(status=RunStatus.FAILED, cause=cause, message=f"{error} ({where})")


def _judge_runner(evidence: Evidence) -> Judgement:
    where = _where(evidence, evidence.trace.open_cell)
    if evidence.trace.fault:
        message = f"{evidence.trace.fault} {where}" if evidence.trace.open_cell else evidence.trace.fault
        return Judgement(status=RunStatus.FAILED, cause=Cause.KERNEL_DIED, message=message)
    returncode = evidence.runner_returncode
    if returncode == -KILL and evidence.memory_kills:
        return _out_of_memory(evidence, f"the runner was killed for want of memory {where}")
    said = f": {evidence.last_log_line}" if evidence.last_log_line and (returncode or 0) > 0 else ""
    message = f"the runner {_how_it_ended(returncode)} {where}{said}"
    return Judgement(status=RunStatus.FAILED, cause=Cause.INTERRUPTED, message=message)


def _out_of_memory(evidence: Evidence, message: str) -> Judgement:
    peak = f" (at most {_megabytes(evidence.peak_memory_bytes)} seen)" if evidence.peak_memory_bytes else ""
    return Judgement(status=RunStatus.FAILED, cause=Cause.OUT_OF_MEMORY, message=f"{message}{peak}")


def _how_it_ended(returncode: int | None) -> str:
    if returncode is None:
        return "vanished"
    # A shell, or `unshare`, tells of a signal by 128 and its number.
    number = -returncode if returncode < 0 else returncode - 128
    try:
        return f"was killed by {signal.Signals(number).name}"
    except ValueError:
        return f"exited with status {returncode}"


def _megabytes(size_bytes: int | None) -> str:
    return f"{(size_bytes or 0) / 1e6:,.0f} MB"
