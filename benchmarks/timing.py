"""Whole commands, timed from outside, in turn: what disturbs the machine disturbs both."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to time.

    Attributes:
        name: For the table.
        arguments: The command line.
        folder: Its working directory.
        before: Run before each round, outside the time.
    """

    name: str
    arguments: tuple[str, ...]
    folder: Path
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One line of the result: us against a peer.

    Attributes:
        measure: What was measured.
        ours: Median seconds, or as `unit` says.
        peer: Its name.
        theirs: Its median, likewise.
        target: What the figure should be, in words; empty where it is only stated.
        is_met: Whether it is.
        figure: Ratio or difference, in words.
        unit: Of both.
    """

    measure: str
    ours: float
    peer: str
    theirs: float
    target: str
    figure: str
    is_met: bool
    unit: str = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of the result that has no peer.

    Attributes:
        measure: What was looked at.
        figure: What was found, in words.
        target: What it should be, in words; empty where it is only stated.
        is_met: Whether it is.
    """

    measure: str
    figure: str
    target: str = ""
    is_met: bool = True


Finding: TypeAlias = Comparison | Statement


def medians(commands: list[Command], *, rounds: int, environment: Mapping[str, str]) -> dict[str, float]:
    """Median seconds of each command by name, after one round that does not count.

    Raises:
        RuntimeError: A command failed: a time without its work is worth nothing.
    """
    taken: dict[str, list[float]] = {command.name: [] for command in commands}
    for turn in range(rounds + 1):
        for command in commands:
            command.before()
            seconds = seconds_of(command, environment)
            if turn:
                taken[command.name].append(seconds)
    return {name: statistics.median(one) for name, one in taken.items()}


def seconds_of(command: Command, environment: Mapping[str, str]) -> float:
    """How long a command takes once.

    Raises:
        RuntimeError: It failed.
    """
    return timed(command, environment)[0]


def timed(command: Command, environment: Mapping[str, str]) -> tuple[float, str]:
    """How long a command takes once, and what it prints.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    done = subprocess.run(
        command.arguments, cwd=command.folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        message = f"{command.name} failed with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return seconds, done.stdout


@contextmanager
def complaints_in(file: Path) -> Iterator[None]:
    """What our children write to standard error goes into a file: kernels of Jupyter's warn at each start."""
    kept = os.dup(2)
    with file.open("ab") as stream:
        os.dup2(stream.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def at_least_times(measure: str, ours: float, peer: str, theirs: float, times: float | None = None) -> Comparison:
    """Ours is to be at least so many times faster; without a number the figure is only stated."""
    ratio = theirs / ours
    return Comparison(
        measure=measure,
        ours=ours,
        peer=peer,
        theirs=theirs,
        target="" if times is None else f"≥ {times:.0f} ×",
        figure=f"{ratio:.1f} ×",
        is_met=times is None or ratio >= times,
    )


def at_most_share(measure: str, ours: float, peer: str, theirs: float, limit: float) -> Comparison:
    """Ours may hold at most this share of their mebibytes."""
    return replace(at_most_ratio(measure, ours, peer, theirs, limit), unit="MiB")


def at_most_ratio(measure: str, ours: float, peer: str, theirs: float, limit: float) -> Comparison:
    """Ours may take at most this share of theirs."""
    ratio = ours / theirs
    return Comparison(
        measure=measure,
        ours=ours,
        peer=peer,
        theirs=theirs,
        target=f"≤ {limit:.2f} ×",
        figure=f"{ratio:.2f} ×",
        is_met=ratio <= limit,
    )


def at_most_more(measure: str, ours: float, peer: str, theirs: float, limit_seconds: float) -> Comparison:
    """Ours may take at most so many seconds more."""
    more = ours - theirs
    return Comparison(
        measure=measure,
        ours=ours,
        peer=peer,
        theirs=theirs,
        target=f"≤ +{limit_seconds:.1f} s",
        figure=f"{more:+.2f} s",
        is_met=more <= limit_seconds,
    )
