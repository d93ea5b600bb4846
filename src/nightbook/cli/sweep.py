"""`nightbook sweep`: one target over many parameter sets."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightbook.cli.closing import show_result
from nightbook.cli.completion import complete_targets
from nightbook.cli.display import TerminalWatcher, stderr_console
from nightbook.cli.parameters import parameter_options
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode, ParameterError
from nightbook.settings import ENGINES, PUBLISHINGS
from nightbook.workflow.parameter_sets import parse_grid, product_of, read_list
from nightbook.workflow.requests import RunRequest, SilentWatcher, SweepRequest
from nightbook.workflow.sweep import explain, sweep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.workflow.sharing import StageSplit


@click.command()
@click.argument("target", shell_complete=complete_targets)
@click.option(
    "--grid", "grids", metavar="NAME=A,B,C", multiple=True, help="Values of a parameter; several make all combinations."
)
@click.option(
    "--list",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Parameter sets from CSV, YAML or JSON lines.",
)
@click.option("--objective", default="", metavar="METRIC", help="Order the runs by this metric.")
@click.option(
    "--direction",
    default="",
    type=click.Choice(["", "min", "max"]),
    help="Which end of it is best.  [default: as logged]",
)
@parameter_options
@click.option("--force", is_flag=True, help="Run sets again that have succeeded.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Runs at once.  [default: the cores]")
@click.option("--explain", "is_explained", is_flag=True, help="Only say which cells all sets would share, and why.")
@click.option("--no-share", "is_unshared", is_flag=True, help="Run every cell for every set.")
@click.option("--engine", type=click.Choice(ENGINES), help="What runs the cells.")
@click.option("--executor", metavar="NAME", help="Where runs are carried out: local, dask or dask://HOST:PORT.")
@click.option("--publish", type=click.Choice(PUBLISHINGS), help="Reports and MLflow as runs end, or with a later sync.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    target: str,
    *,
    grids: tuple[str, ...],
    file: Path | None,
    given: Mapping[str, object],
    as_json: bool,
    **flags: object,
) -> int:
    """Run TARGET, a stage or a notebook file, over parameter sets; the same sweep again runs only what is missing."""
    started = time.monotonic()
    base = RunRequest(
        settings=current_settings({name: flags[name] for name in ("jobs", "engine", "executor", "publish")}),
        targets=(target,),
        parameters=given,
        is_forced=bool(flags["force"]),
    )
    request = SweepRequest(
        base=base,
        sets=_sets(grids, file),
        objective=str(flags["objective"]),
        direction=str(flags["direction"]),
        is_shared=not flags["is_unshared"],
    )
    if flags["is_explained"]:
        _show_splits(explain(request), as_json=as_json)
        return ExitCode.DONE
    if as_json:
        result = sweep(request, SilentWatcher())
        echo_json(result.to_json())
        return result.exit_code
    console = stderr_console()
    with TerminalWatcher(console) as watcher:
        result = sweep(request, watcher)
    show_result(console, result, base.settings.root, time.monotonic() - started)
    return result.exit_code


def _show_splits(splits: Sequence[StageSplit], *, as_json: bool) -> None:
    if as_json:
        echo_json({"stages": [asdict(one) for one in splits]})
        return
    for one in splits:
        click.echo(f"{one.stage}: {one.split.summary}")
        width = len(str(max((cell.index for cell in one.split.cells), default=0)))
        for cell in one.split.cells:
            mark = "once" if cell.index in one.split.shared else "each"
            click.echo(f"  cell {cell.index:>{width}}  {mark}  {cell.explanation}".rstrip())


def _sets(grids: tuple[str, ...], file: Path | None) -> tuple[Mapping[str, object], ...]:
    if bool(grids) == bool(file):
        raise ParameterError("a sweep takes either --grid or --list", remedy="--grid learning_rate=0.01,0.1")
    return tuple(read_list(file) if file else product_of(parse_grid(grids)))
