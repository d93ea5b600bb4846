"""`nightbook diff`: what changed from one run to another."""

from __future__ import annotations

import click

from nightbook.cli.answers import show_comparison, stdout_console
from nightbook.cli.completion import complete_runs
from nightbook.cli.output_changes import show_outputs
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.reviews.rules import DiffRules
from nightbook.workflow.differing import RunDiff, diff


@click.command()
@click.argument("before", metavar="RUN", shell_complete=complete_runs)
@click.argument("after", metavar="RUN", shell_complete=complete_runs)
@click.option(
    "--tolerance",
    type=float,
    default=0.0,
    metavar="SHARE",
    help="Numbers in outputs that differ by no more than this share count as equal: 0.01 for 1 %.",
)
@click.option("--noise", "shows_noise", is_flag=True, help="Count addresses, timestamps and durations as changes too.")
@click.option("--thorough", "is_thorough", is_flag=True, help="Compare outputs of more than 5 MB too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(before: str, after: str, *, as_json: bool, **rules: bool | float) -> int:
    """Compare two runs: parameters, metrics with their changes, source and outputs of their notebooks."""
    found = diff(current_settings(), before, after, DiffRules(**rules))  # type: ignore[arg-type]  # each option has its type
    if as_json:
        echo_json(found.to_json())
    else:
        _show(found)
    return ExitCode.DONE


def _show(found: RunDiff) -> None:
    console = stdout_console()
    show_comparison(console, found.comparison)
    is_coloured = console.is_terminal and not console.no_color
    for source, outputs in zip(found.sources, found.outputs, strict=True):
        click.echo()
        if source.operations:
            click.echo(f"source of {source.stage}:")
            click.echo(source.text(is_coloured=is_coloured), color=is_coloured)
        else:
            click.echo(f"source of {source.stage}: the same")
        show_outputs(console, outputs)
