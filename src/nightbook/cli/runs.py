"""`nightbook runs`: list, show, follow, compare and cancel runs."""

from __future__ import annotations

import sys
from itertools import groupby
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nightbook.cli.answers import (
    cells_table,
    checkpoints_table,
    facts_table,
    metrics_table,
    parameters_table,
    pins_table,
    runs_table,
    show_comparison,
    status_text,
    stdout_console,
    without_checkpoint,
)
from nightbook.cli.completion import complete_runs, complete_stages
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.records import RunKind, RunStatus
from nightbook.runs.searching import RunQuery
from nightbook.workflow.browsing import Branch, Detail, list_branches, list_runs, show_run
from nightbook.workflow.cancelling import cancel
from nightbook.workflow.comparing import compare
from nightbook.workflow.following import follow_log, read_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.workflow.following import LogPart


@click.group()
def command() -> None:
    """List, show, follow, compare and cancel runs.

    A RUN is a number (418), an id or its start, `latest`, `STAGE@latest`, or
    `STAGE@approved`.
    """


@command.command("list")
@click.option("--stage", shell_complete=complete_stages, help="Only runs of this stage.")
@click.option("--status", type=click.Choice([one.value for one in RunStatus]), help="Only runs with this status.")
@click.option("--kind", type=click.Choice([one.value for one in RunKind]), help="Only runs of this kind.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@click.option("-a", "--all", "is_unfolded", is_flag=True, help="Show the parts of pipelines and sweeps.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document: the runs that fit, parts too.")
def list_command(*, limit: int, is_unfolded: bool, as_json: bool, **asked: str | None) -> int:
    """List runs, newest first; pipelines and sweeps with their parts folded."""
    settings = current_settings()
    status, kind = asked["status"], asked["kind"]
    wanted = RunQuery(
        stage=asked["stage"],
        status=RunStatus(status) if status else None,
        kind=RunKind(kind) if kind else None,
        limit=limit,
    )
    if as_json:
        echo_json({"runs": [one.to_json() for one in list_runs(settings, wanted)]})
        return ExitCode.DONE
    if any(asked.values()):
        branches = tuple(Branch(run=one) for one in list_runs(settings, wanted))
    else:
        branches = list_branches(settings, limit)
    if not branches:
        click.echo("no run fits" if any(asked.values()) else "no runs yet; try: nightbook run", err=True)
        return ExitCode.DONE
    stdout_console().print(runs_table(branches, is_unfolded=is_unfolded))
    return ExitCode.DONE


@command.command("show")
@click.argument("run", shell_complete=complete_runs)
@click.option("--json", "as_json", is_flag=True, help="The record as JSON.")
def show_command(run: str, *, as_json: bool) -> int:
    """Show everything about RUN."""
    detail = show_run(current_settings(), run)
    if as_json:
        echo_json(detail.to_json())
    else:
        _show(detail)
    return ExitCode.DONE


@command.command("logs")
@click.argument("run", shell_complete=complete_runs)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout; with -f when the run has ended.")
def logs_command(run: str, *, follow: bool, as_json: bool) -> int:
    """Print what RUN has printed, cell by cell, and the log of its kernel."""
    settings = current_settings()
    log = follow_log if follow else read_log
    if as_json:
        # `latest` may be another run by the time that its log is read.
        run_id = show_run(settings, run).run.run_id
        echo_json({"run_id": run_id, "parts": _log_document(log(settings, run_id))})
    else:
        _print_log(log(settings, run))
    return ExitCode.DONE


@command.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...", shell_complete=complete_runs)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def compare_command(runs: tuple[str, ...], *, as_json: bool) -> int:
    """Say what differs between runs; the first is what the others are measured by."""
    comparison = compare(current_settings(), runs)
    if as_json:
        echo_json(comparison.to_json())
        return ExitCode.DONE
    show_comparison(stdout_console(), comparison)
    return ExitCode.DONE


@command.command("cancel")
@click.argument("run", shell_complete=complete_runs)
@click.option("--json", "as_json", is_flag=True, help="The record as JSON.")
def cancel_command(run: str, *, as_json: bool) -> int:
    """Stop RUN, with all its parts, and wait until it is over."""
    cancellation = cancel(current_settings(), run)
    if as_json:
        echo_json(cancellation.run.to_json())
        return ExitCode.DONE
    verb = "had already ended" if cancellation.was_over else "ended"
    click.echo(f"{cancellation.run.label} {verb}: {cancellation.run.status.value}")
    return ExitCode.DONE


def _show(detail: Detail) -> None:
    run, console = detail.run, stdout_console()
    console.print(f"[bold]{run.label}[/]", status_text(run))
    console.print(facts_table(detail))
    tables = (
        *([parameters_table(run)] if run.parameters else []),
        *([metrics_table(detail.points)] if detail.points else []),
        *([pins_table("input", run.inputs)] if run.inputs else []),
        *([pins_table("output", run.outputs)] if run.outputs else []),
        *([cells_table(run)] if run.cells else []),
        *([checkpoints_table(detail.checkpoints)] if detail.checkpoints.usable else []),
        *([runs_table([Branch(run=one) for one in detail.parts], is_unfolded=False)] if detail.parts else []),
    )
    for table in tables:
        console.print()
        console.print(table)
    for line in without_checkpoint(detail.checkpoints):
        console.print(Text(f"\n{line}"), soft_wrap=True)
    if run.report or detail.parts:
        console.print(f"\nopen its report: nightbook report {run.number}")


def _print_log(parts: Iterator[LogPart]) -> None:
    """Headings only where they change; text as it came, colours only for a terminal."""
    last = None
    for part in parts:
        heading = (part.run.run_id, part.heading)
        if heading != last:
            click.secho(f"── {part.run.label} · {part.heading}", dim=True)
            last = heading
        click.echo(part.text, nl=not part.text.endswith("\n"))
        sys.stdout.flush()


def _log_document(parts: Iterator[LogPart]) -> list[dict[str, object]]:
    """What belongs to one heading in one piece, without the escape sequences for colour."""
    return [
        {"run_id": run_id, "stage": stage, "heading": heading, "text": click.unstyle("".join(one.text for one in same))}
        for (run_id, stage, heading), same in groupby(parts, lambda one: (one.run.run_id, one.run.stage, one.heading))
    ]
