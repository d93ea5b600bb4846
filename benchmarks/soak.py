"""Many runs: does any fail to start, do the warm parents grow, is anything left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil

from notebooks import NUMBERED, Shown, shown, write_notebook
from ours import Swept, sweep, sweep_command, write_sets
from timing import Finding, Statement
from warm import MEBIBYTE, Holding, holding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sizes import Size

KERNELS = 8
JOBS = 2
# What a page or two of an allocator's own may come to; a leak of 4 kB a run would be twice that in 1,000 runs.
GROWTH_BYTES = 2 * MEBIBYTE
# Each run is a fork of the kernels' parent; with shared cells most of them would be forks of a fork.
OPTION = "--no-share"
WARMING_SHARE = 10


def measure_soak(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """A sweep of many sets, and what the parents hold before and after it."""
    # The first command starts the parents, the second is the first that one of them carries out: each touches what it
    # needs.
    for _ in range(2):
        _sweep(folder, environment, size.soak_runs // WARMING_SHARE, JOBS)
    before = holding(environment)
    swept = _sweep(folder, environment, size.soak_runs, JOBS)
    after = holding(environment)
    left = processes_naming([str(folder), *(run["run_id"] for run in swept.runs)])
    rate = size.soak_runs / swept.seconds
    return [
        _started(f"soak: {size.soak_runs} runs, {JOBS} at once", swept),
        Statement(measure="  speed", figure=f"{rate:.1f} runs a second, all on ({swept.seconds:.1f} s)"),
        growth_of(before, after, len(left)),
    ]


def measure_parallel(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """Eight kernels at once, and then all at once."""
    _sweep(folder, environment, KERNELS, KERNELS)
    eight = _sweep(folder, environment, KERNELS * size.parallel, KERNELS)
    all_of_them = _sweep(folder, environment, size.at_once, size.at_once)
    return [
        _started(f"{KERNELS} kernels × {size.parallel} runs", eight),
        _started(f"{size.at_once} runs at once", all_of_them),
    ]


def growth_of(before: Holding, after: Holding, left: int) -> Statement:
    """What the parents hold more than before, and how many processes were left behind."""
    grown = {kind: size - before.memory_bytes.get(kind, 0) for kind, size in after.memory_bytes.items()}
    descriptors, processes = after.descriptors - before.descriptors, after.processes - before.processes
    memory = ", ".join(f"{kind} {size / MEBIBYTE:+.2f}" for kind, size in sorted(grown.items()))
    return Statement(
        measure="  growth of the parents",
        figure=f"MiB: {memory}; descriptors {descriptors:+d} of {before.descriptors}, "
        f"processes {processes:+d} of {before.processes}; {left} left behind",
        target="none",
        is_met=max(grown.values()) <= GROWTH_BYTES and descriptors <= 0 and processes <= 0 and not left,
    )


def processes_naming(words: list[str]) -> list[psutil.Process]:
    """Processes whose command line or title names any of these."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        said = " ".join(process.info["cmdline"] or ())
        if any(word in said for word in words):
            found.append(process)
    return found


def _sweep(folder: Path, environment: Mapping[str, str], count: int, jobs: int) -> Swept:
    notebook = write_notebook(folder / "numbered.ipynb", NUMBERED, has_parameters=True)
    sets = write_sets(folder / "sets.jsonl", [{"number": number} for number in range(count)])
    swept = sweep(sweep_command(notebook, sets, jobs, OPTION), folder, environment)
    if len(swept.runs) != count:
        message = f"{len(swept.runs)} runs of {count} are there"
        raise RuntimeError(message)
    for run in swept.runs:
        if run["status"] == "succeeded":
            _require_answer(swept.executed(run), run["parameters"]["number"])
    return swept


def _require_answer(executed: Path, number: int) -> None:
    said = shown(executed)[-1]
    if said != Shown(NUMBERED[-1], (("stream", f"{number * 2}\n", json.dumps({})),)):
        message = f"{executed} shows {said} for {number}"
        raise RuntimeError(message)


def _started(measure: str, swept: Swept) -> Statement:
    causes = sorted({str(run["message"]) for run in swept.runs if run["status"] != "succeeded"})
    unforked = sum(swept.engine_of(run) != "fork" for run in swept.runs if run["executed_notebook"])
    figure = f"{swept.failed} failures in {swept.seconds:.1f} s"
    if unforked:
        figure += f"; {unforked} were not forked"
    if causes:
        figure += f": {'; '.join(causes)[:200]}"
    return Statement(measure=measure, figure=figure, target="0 failures", is_met=not swept.failed)
