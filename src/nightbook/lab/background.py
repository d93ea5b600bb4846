"""The kernel's end of a run in batch: start it, follow it, stop it, while cells go on being executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nightbook.records import Cause, Cell, CellStatus, Pin, Run, RunKind, RunStatus
from nightbook.systems import DETACHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nightbook.lab.order import Order

MODULE = "nightbook.lab.batch"


class Phase(StrEnum):
    """How far a run in batch is; the value is how people are told."""

    STARTING = "starting"
    WAITING = "waiting"
    RUNNING = "running"
    PUBLISHING = "publishing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """One stage on its way."""

    name: str
    state: str
    cells_done: int = 0
    cells_total: int = 0
    last_line: str = ""
    elapsed_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How a run in batch stands.

    Attributes:
        phase: How far it is.
        stages: What runs, in order.
        remark: What it waits for or still does, in words.
        run: The record, once it has ended; also that of an earlier run which is still up to date.
        is_up_to_date: Nothing had to run.
        is_cancelling: Somebody asked it to stop.
        error: Why nothing ran, in words.
        remedy: What to do about the error.
    """

    phase: Phase = Phase.STARTING
    stages: tuple[StageProgress, ...] = ()
    remark: str = ""
    run: Run | None = None
    is_up_to_date: bool = False
    is_cancelling: bool = False
    error: str = ""
    remedy: str = ""


class BackgroundRun:
    """A run in a process of its own, which ends as cancelled when this one does.

    Args:
        order: What to run.
        folder: The working directory: the project around it is the run's.
        on_change: Called with each new situation, from another thread.
    """

    def __init__(self, order: Order, folder: Path, on_change: Callable[[Situation], None]) -> None:
        self.situation = Situation()
        self._on_change = on_change
        self._change = threading.Lock()
        self._errors = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - read and closed when the process has ended
        self._process = subprocess.Popen(
            # -P: a module of the notebook's folder must not stand in for one of ours.
            [sys.executable, "-P", "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=folder,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
            # The kernel's own interrupts are not meant for it.
            **DETACHED,
        )
        self._say(order.to_line())
        self._reader = threading.Thread(target=self._follow, name="nightbook batch run", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process that carries it."""
        return self._process.pid

    def cancel(self) -> None:
        """Interrupt it; asked again, kill what runs. It ends as cancelled within seconds."""
        self._turn(lambda now: replace(now, is_cancelling=now.phase is not Phase.ENDED))
        self._say("cancel")

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait for its end; False when it still runs then."""
        self._reader.join(timeout_seconds)
        return not self._reader.is_alive()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - Popen was given a pipe
        with suppress(OSError, ValueError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def _follow(self) -> None:
        assert self._process.stdin is not None  # noqa: S101 - Popen was given pipes
        assert self._process.stdout is not None  # noqa: S101 - as above
        with self._process.stdout as answers:
            for line in answers:
                words = json.loads(line)
                self._turn(lambda now, words=words: advance(now, words))  # type: ignore[misc] # mypy infers no lambda defaults
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()
        self._turn(self._concluded)

    def _concluded(self, now: Situation) -> Situation:
        with self._errors as stream:
            stream.seek(0)
            said = stream.read().decode(errors="replace").strip().splitlines()
        if now.phase is Phase.ENDED:
            return now
        last = said[-1] if said else f"exit code {self._process.returncode}"
        return replace(now, phase=Phase.ENDED, error=f"the batch process ended early: {last}")

    def _turn(self, change: Callable[[Situation], Situation]) -> None:
        with self._change:
            before, self.situation = self.situation, change(self.situation)
            if self.situation != before:
                self._on_change(self.situation)


def advance(now: Situation, words: Mapping[str, Any]) -> Situation:  # noqa: PLR0911 - a return a case
    """The situation after one line of the batch process."""
    match words:
        case {"waiting": str(reason)}:
            return replace(now, phase=Phase.WAITING, remark=reason)
        case {"is_up_to_date": bool(is_up_to_date)}:
            return replace(now, phase=Phase.RUNNING, remark="", is_up_to_date=is_up_to_date)
        case {"stages": list(stages)}:
            return replace(now, stages=tuple(StageProgress(**one) for one in stages))
        case {"publishing": str(reason)}:
            return replace(now, phase=Phase.PUBLISHING, remark=reason)
        case {"run": dict(record)}:
            return replace(now, phase=Phase.ENDED, remark="", run=read_record(record))
        case {"error": str(message)}:
            return replace(now, phase=Phase.ENDED, remark="", error=message, remedy=str(words.get("remedy", "")))
    return now


def read_record(record: Mapping[str, Any]) -> Run:
    """The run of a `--json` record."""
    own = {one.name for one in fields(Run)}
    return Run(
        **{name: value for name, value in record.items() if name in own - _CONVERTED.keys()},
        **{name: convert(record[name]) for name, convert in _CONVERTED.items()},
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _pins(records: list[dict[str, Any]]) -> tuple[Pin, ...]:
    return tuple(Pin(**one) for one in records)


def _cells(records: list[dict[str, Any]]) -> tuple[Cell, ...]:
    return tuple(Cell(**{**one, "status": CellStatus(one["status"])}) for one in records)


_CONVERTED: Mapping[str, Callable[[Any], Any]] = {
    "kind": RunKind,
    "status": RunStatus,
    "cause": lambda word: Cause(word) if word else None,
    "started_at": _moment,
    "ended_at": _moment,
    # Strict JSON has no NaN and no infinities: they are words there.
    "metrics": lambda metrics: {name: float(value) for name, value in metrics.items()},
    "inputs": _pins,
    "outputs": _pins,
    "cells": _cells,
}
