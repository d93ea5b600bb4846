"""`nightbook diff`: what changed from one run to another."""

from __future__ import annotations

import click

from nightbook.cli.answers import show_comparison, stdout_console
from nightbook.cli.completion import complete_runs
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.workflow.differing import RunDiff, diff


@click.command()
@click.argument("before", metavar="RUN", shell_complete=complete_runs)
@click.argument("after", metavar="RUN", shell_complete=complete_runs)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(before: str, after: str, *, as_json: bool) -> int:
    """Compare two runs: parameters, metrics with their changes, and the source of their notebooks."""
    found = diff(current_settings(), before, after)
    if as_json:
        echo_json(found.to_json())
    else:
        _show(found)
    return ExitCode.DONE


def _show(found: RunDiff) -> None:
    console = stdout_console()
    show_comparison(console, found.comparison)
    is_coloured = console.is_terminal and not console.no_color
    click.echo()
    for source in found.sources:
        if source.operations:
            click.echo(f"source of {source.stage}:")
            click.echo(source.text(is_coloured=is_coloured), color=is_coloured)
        else:
            click.echo(f"source of {source.stage}: the same")
