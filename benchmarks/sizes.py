"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How often, and how many.

    Attributes:
        rounds: Of which the median is taken.
        sets: Of a sweep.
        prefix_seconds: What all sets of a sweep have in common.
        soak_runs: Of the trivial notebook.
        parallel: Runs of each of eight kernels at once.
        at_once: Runs that all begin together.
        held: Runs beyond the first whose memory is looked at.
    """

    rounds: int = 5
    sets: int = 40
    prefix_seconds: float = 5
    soak_runs: int = 1000
    parallel: int = 25
    at_once: int = 200
    held: int = 4


def quick() -> Size:
    """Enough to see that the cases work; its figures say nothing, since what is fixed is spread over few runs."""
    return Size(rounds=1, sets=4, prefix_seconds=1, soak_runs=40, parallel=2, at_once=20, held=2)
