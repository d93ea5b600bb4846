"""`nightbook run`: plan, execute, say how it ended."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

import click

from nightbook.cli.completion import complete_targets
from nightbook.cli.parameters import parameter_options
from nightbook.cli.project import current_settings, echo_json
from nightbook.cli.watching import LateWatcher
from nightbook.errors import ExitCode
from nightbook.pipelines.plan import Verdict
from nightbook.settings import ENGINES, PUBLISHINGS
from nightbook.workflow.planning import plan
from nightbook.workflow.requests import RunRequest, SilentWatcher
from nightbook.workflow.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@parameter_options
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would run, and why.")
@click.option("--check", is_flag=True, help="With -n: exit with 4 when something would run.")
@click.option("--force", is_flag=True, help="Run the targets even when they are up to date.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once.  [default: the cores]")
@click.option("--engine", type=click.Choice(ENGINES), help="What runs the cells.")
@click.option(
    "--checkpoint/--no-checkpoint", default=None, help="Leave what `resume` can go on from inside a notebook."
)
@click.option("--executor", metavar="NAME", help="Where runs are carried out: local, dask or dask://HOST:PORT.")
@click.option("--publish", type=click.Choice(PUBLISHINGS), help="Reports and MLflow as runs end, or with a later sync.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds after which a run is ended.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(
    targets: tuple[str, ...],
    *,
    given: Mapping[str, object],
    dry_run: bool,
    check: bool,
    force: bool,
    as_json: bool,
    **flags: Any,  # noqa: ANN401 - settings by flag
) -> int:
    """Run the whole pipeline, the named stages with what they need, or a notebook file.

    What is up to date is skipped; `nightbook why STAGE` says why a stage would run.
    """
    started = time.monotonic()
    named = {name: flags[name] for name in ("jobs", "engine", "checkpoint", "executor", "publish")}
    settings = current_settings({**named, "timeout_seconds": flags["timeout"]})
    request = RunRequest(settings=settings, targets=targets, parameters=given, is_forced=force)
    if dry_run:
        intended = plan(request)
        _show_plan(intended, as_json=as_json)
        return ExitCode.DIFFERENT if check and not intended.is_up_to_date else ExitCode.DONE
    with LateWatcher() as watcher:
        result = run(request, SilentWatcher() if as_json else watcher)
    if as_json:
        echo_json(result.to_json())
    elif result.plan is not None and result.plan.is_up_to_date:
        click.echo(_nothing_to_do(len(result.stages), time.monotonic() - started), err=True)
    else:
        console = importlib.import_module("nightbook.cli.display").stderr_console()
        importlib.import_module("nightbook.cli.closing").show_result(
            console, result, settings.root, time.monotonic() - started
        )
    return result.exit_code


def _nothing_to_do(count: int, took_seconds: float) -> str:
    stages = "the stage is" if count == 1 else f"all {count} stages are"
    return f"{click.style('✓', fg='green')} nothing to do: {stages} up to date ({took_seconds * 1000:.0f} ms)"


def _show_plan(intended: Any, *, as_json: bool) -> None:  # noqa: ANN401 - a Plan
    if as_json:
        echo_json(intended.to_json())
        return
    width = max((len(one.stage) for one in intended.decisions), default=0)
    marks = {Verdict.RUN: "▶", Verdict.UNDECIDED: "?", Verdict.RESTORE: "↺", Verdict.UP_TO_DATE: "–"}
    for one in intended.decisions:
        click.echo(f"{marks[one.verdict]} {one.stage:<{width}}  {one.verdict.value:<10}  {'; '.join(one.reasons)}")
