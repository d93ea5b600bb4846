"""`make bench`: us and the peers in one run, on the same work, outputs compared, bytecode compiled; medians and ratios.

Run it on a machine that does nothing else. One case alone: `make bench ARGS=sweep`; to see that all of them work:
`make bench ARGS=--quick`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import memory
import noop
import overhead
import single
import soak
import sweeps
from nightbook.runs.warm.places import FOLDER
from sizes import Size, quick
from timing import Comparison
from warm import end_parents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from timing import Finding, Statement

    Case = Callable[[Path, Mapping[str, str]], Sequence[Finding]]

LINE = 140
WIDTHS = (28, 17, 18, 10, 9, 8, 6)


def main() -> int:
    """Measure, print, and exit with 4 when a target is missed."""
    options = read_options()
    size = quick() if options.quick else Size()
    size = replace(size, rounds=options.rounds or size.rounds)
    cases = cases_of(size, options.peers.resolve())
    unknown = [name for name in options.cases if name not in cases]
    if unknown:
        sys.stderr.write(f"unknown case {unknown[0]!r}; there are {', '.join(cases)}\n")
        return 2
    # `__pycache__` is there for both; only the variable could keep it from being used for what is written meanwhile.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["DVC_NO_ANALYTICS"] = "1"
    found: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="nightbook-bench-") as folder:
        for name in options.cases or cases:
            found += measured(cases[name], Path(folder) / name)
    tell_circumstances(size.rounds)
    return 0 if all(one.is_met for one in found) else 4


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the virtual environment of DVC and Snakemake")
    parser.add_argument("--rounds", type=int, help="of which the median is taken  [default: 5]")
    parser.add_argument("--quick", action="store_true", help="little of everything: are the cases sound?")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(cases_of(Size(), Path()))}  [default: all]")
    return parser.parse_args()


def cases_of(size: Size, peers: Path) -> dict[str, Case]:
    """What can be measured, by name."""
    rounds = size.rounds
    return {
        "help": partial(overhead.measure_help, rounds=rounds),
        "noop": partial(noop.measure, peers=peers, rounds=rounds),
        "trivial": partial(overhead.measure_trivial, rounds=rounds),
        "train": partial(overhead.measure_train, rounds=min(rounds, 3)),
        "cells": partial(single.measure_cells, rounds=rounds),
        "library": partial(single.measure_library, rounds=rounds),
        "sweep": partial(sweeps.measure_small, size=size),
        "cold": partial(sweeps.measure_cold, size=size),
        "prefix": partial(sweeps.measure_prefix, size=size),
        "soak": partial(soak.measure_soak, size=size),
        "parallel": partial(soak.measure_parallel, size=size),
        "memory": partial(memory.measure, size=size),
    }


def measured(case: Case, place: Path) -> Sequence[Finding]:
    """What one case gives, shown as soon as it is known; it has warm parents of its own, which end with it."""
    place.mkdir()
    # A socket's path is short, and a project holds nothing that is not its own.
    with tempfile.TemporaryDirectory(prefix="nightbook-warm-") as warm:
        # In this process, too: one case forks kernels itself.
        os.environ[FOLDER] = warm
        environment = dict(os.environ)
        try:
            found = case(place, environment)
        finally:
            end_parents(environment)
    show(found)
    return found


def show(found: Sequence[Finding]) -> None:
    """Figures, targets, and whether they are met."""
    console = Console(width=LINE)
    for one in found:
        if isinstance(one, Comparison):
            console.print(row_of(one))
        else:
            console.print(line_of(one), soft_wrap=True, markup=False, highlight=False)


def row_of(one: Comparison) -> Table:
    """A comparison in columns, which are as wide in each row."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in WIDTHS:
        table.add_column(min_width=width, no_wrap=True)
    met = "" if not one.target else "[green]met[/]" if one.is_met else "[red]missed[/]"
    ours, theirs = f"nightbook {one.ours:.3f} {one.unit}", f"{one.theirs:.3f} {one.unit}"
    table.add_row(one.measure, ours, one.peer, theirs, one.figure, one.target, met)
    return table


def line_of(one: Statement) -> str:
    """What has no peer."""
    verdict = f"  target {one.target}: {'met' if one.is_met else 'missed'}" if one.target else ""
    return f"{one.measure:<{WIDTHS[0]}}  {one.figure}{verdict}"


def tell_circumstances(rounds: int) -> None:
    """What it was measured with, and what else the machine did."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("nightbook", "papermill", "nbclient", "mlflow"))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    Console(width=LINE).print(
        f"medians of {rounds} rounds in turn; Python {platform.python_version()}, {os.cpu_count()} cores, load {load} "
        f"in the last 1, 5 and 15 minutes; {versions}"
    )


if __name__ == "__main__":
    sys.exit(main())
