"""`make bench`: us and the peers in one run, on the same work, outputs compared, bytecode compiled; medians and ratios.

Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

import noop
import overhead

if TYPE_CHECKING:
    from timing import Comparison

LINE = 120
WIDTHS = (28, 17, 18, 8, 8, 8, 6)
CASES = ("help", "noop", "trivial", "train")


def main() -> int:
    """Measure, print, and exit with 4 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the virtual environment of DVC and Snakemake")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("cases", nargs="*", default=CASES, help=f"of {', '.join(CASES)}")
    options = parser.parse_args()
    # `__pycache__` is there for both; only the variable could keep it from being used for what is written meanwhile.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["DVC_NO_ANALYTICS"] = "1"
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="nightbook-bench-") as folder:
        for case in options.cases:
            place = Path(folder) / case
            place.mkdir()
            measured = measure(case, place, options.peers.resolve(), environment, options.rounds)
            show(measured)
            found += measured
    tell_versions(options.rounds)
    return 0 if all(one.is_met for one in found) else 4


def measure(case: str, place: Path, peers: Path, environment: dict[str, str], rounds: int) -> list[Comparison]:
    """One case by name."""
    if case == "help":
        return overhead.measure_help(place, environment, rounds)
    if case == "noop":
        return noop.measure(place, peers, environment, rounds)
    if case == "trivial":
        return overhead.measure_trivial(place, environment, rounds)
    return overhead.measure_train(place, environment, min(rounds, 3))


def show(found: list[Comparison]) -> None:
    """What one case gave, as soon as it is known."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for width in WIDTHS:
        table.add_column(min_width=width, no_wrap=True)
    for one in found:
        met = "[green]met[/]" if one.is_met else "[red]missed[/]"
        table.add_row(
            one.measure, f"nightbook {one.ours:.3f} s", one.peer, f"{one.theirs:.3f} s", one.figure, one.target, met
        )
    Console(width=LINE).print(table)


def tell_versions(rounds: int) -> None:
    """What it was measured with."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("nightbook", "papermill", "nbclient", "mlflow"))
    Console(width=LINE).print(
        f"medians of {rounds} rounds in turn; Python {platform.python_version()}, {os.cpu_count()} cores; {versions}"
    )


if __name__ == "__main__":
    sys.exit(main())
