"""Whole commands, timed from outside, in turn: what disturbs the machine disturbs both."""

from __future__ import annotations

import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
        ours: Median seconds.
        peer: Its name.
        theirs: Its median seconds.
        target: What the figure should be, in words.
        is_met: Whether it is.
        figure: Ratio or difference, in words.
    """

    measure: str
    ours: float
    peer: str
    theirs: float
    target: str
    figure: str
    is_met: bool


def medians(commands: list[Command], *, rounds: int, environment: Mapping[str, str]) -> dict[str, float]:
    """Median seconds of each command by name, after one round that does not count.

    Raises:
        RuntimeError: A command failed: a time without its work is worth nothing.
    """
    taken: dict[str, list[float]] = {command.name: [] for command in commands}
    for turn in range(rounds + 1):
        for command in commands:
            command.before()
            seconds = _time(command, environment)
            if turn:
                taken[command.name].append(seconds)
    return {name: statistics.median(one) for name, one in taken.items()}


def _time(command: Command, environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(
        command.arguments, cwd=command.folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        message = f"{command.name} failed with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return seconds


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
