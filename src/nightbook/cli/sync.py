"""`nightbook sync`: send MLflow what it is still owed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.workflow.sync import SyncResult, sync


@click.command()
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A project, or its .nightbook, carried over from another machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, source: Path | None, as_json: bool) -> int:
    """Send MLflow the runs that it did not hear of yet."""
    result = sync(current_settings(), source)
    if as_json:
        echo_json(asdict(result))
    else:
        _tell(result)
    return ExitCode.UNREACHABLE if result.owed else ExitCode.DONE


def _tell(result: SyncResult) -> None:
    if not result.delivered and not result.owed:
        click.echo("MLflow has everything.")
        return
    click.echo(f"{_runs(result.delivered)} sent to MLflow.")
    if result.owed:
        click.echo(f"{_runs(result.owed)} still owed: {result.reason}", err=True)


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
