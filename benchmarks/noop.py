"""Nothing to do, in a pipeline of 100 stages: ours, DVC's and Snakemake's way of finding out.

Each stage reads its parent's file in a binary tree and writes a line more. All three really run it once first; their
files must be equal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from timing import Command, Comparison, at_most_ratio, medians

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = 100
APPEND = (
    "import sys, pathlib; s, t, n = sys.argv[1:]; pathlib.Path(t).write_text(pathlib.Path(s).read_text() + n + '\\n')"
)


def parent_of(stage: int) -> str:
    """The file that a stage reads: its parent's, or the source."""
    return f"data/{(stage - 1) // 2}.txt" if stage else "source.txt"


def make_ours(folder: Path) -> None:
    """A notebook for each stage."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "source.txt").write_text("source\n")
    for stage in range(STAGES):
        declaration = (
            "from nightbook import Input, Output\n"
            f'source: Input = "../{parent_of(stage)}"\ntarget: Output = "../data/{stage}.txt"'
        )
        work = f"from pathlib import Path\nPath(target).write_text(Path(source).read_text() + '{stage}\\n')"
        cells = [
            {"cell_type": "code", "id": "p", "source": declaration, "metadata": {"tags": ["parameters"]}},
            {"cell_type": "code", "id": "w", "source": work, "metadata": {}},
        ]
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "cells": [cell | {"outputs": [], "execution_count": None} for cell in cells],
        }
        (folder / "notebooks" / f"stage{stage}.ipynb").write_text(json.dumps(content))


def make_dvc(folder: Path) -> None:
    """A stage of dvc.yaml for each."""
    (folder / "data").mkdir(parents=True)
    (folder / "source.txt").write_text("source\n")
    (folder / "append.py").write_text(APPEND)
    stages = {
        f"stage{stage}": {
            "cmd": f"{sys.executable} append.py {parent_of(stage)} data/{stage}.txt {stage}",
            "deps": ["append.py", parent_of(stage)],
            "outs": [f"data/{stage}.txt"],
        }
        for stage in range(STAGES)
    }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))


def make_snakemake(folder: Path) -> None:
    """A rule for each."""
    (folder / "data").mkdir(parents=True)
    (folder / "source.txt").write_text("source\n")
    (folder / "append.py").write_text(APPEND)
    targets = ", ".join(f"'data/{stage}.txt'" for stage in range(STAGES))
    rules = [f"rule all:\n    input: {targets}\n"]
    rules += [
        f"rule stage{stage}:\n    input: '{parent_of(stage)}'\n    output: 'data/{stage}.txt'\n"
        f"    shell: '{sys.executable} append.py {{input}} {{output}} {stage}'\n"
        for stage in range(STAGES)
    ]
    (folder / "Snakefile").write_text("\n".join(rules))


def measure(folder: Path, environment: Mapping[str, str], peers: Path, rounds: int) -> list[Comparison]:
    """Run all three once, compare what they wrote, then time the second time."""
    ours, dvc, snakemake = folder / "nightbook", folder / "dvc", folder / "snakemake"
    make_ours(ours)
    make_dvc(dvc)
    make_snakemake(snakemake)
    nightbook_command = (str(Path(sys.executable).with_name("nightbook")), "run")
    dvc_command, snakemake_command = str(peers / "bin" / "dvc"), str(peers / "bin" / "snakemake")
    cores = str(os.cpu_count())
    for place, arguments in (
        (ours, nightbook_command),
        (dvc, (dvc_command, "init", "--no-scm", "--quiet")),
        (dvc, (dvc_command, "repro", "--quiet")),
        (snakemake, (snakemake_command, "--quiet", "all", "-c", cores)),
    ):
        subprocess.run(arguments, cwd=place, env=dict(environment), check=True, capture_output=True)
    written = [
        {path.name: path.read_bytes() for path in (place / "data").glob("*.txt")} for place in (ours, dvc, snakemake)
    ]
    if not written[0] == written[1] == written[2] or len(written[0]) != STAGES:
        message = "the three pipelines did not write the same files"
        raise RuntimeError(message)
    taken = medians(
        [
            Command(name="nightbook", arguments=nightbook_command, folder=ours),
            Command(name="dvc", arguments=(dvc_command, "repro"), folder=dvc),
            Command(name="snakemake", arguments=(snakemake_command, "-n"), folder=snakemake),
        ],
        rounds=rounds,
        environment=environment,
    )
    measure_name = f"nothing to do, {STAGES} stages"
    return [
        at_most_ratio(measure_name, taken["nightbook"], "dvc repro", taken["dvc"], 0.25),
        at_most_ratio(measure_name, taken["nightbook"], "snakemake -n", taken["snakemake"], 0.5),
    ]
