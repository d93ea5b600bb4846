"""`nightbook params`: what a notebook can be given."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nightbook.cli.completion import complete_targets
from nightbook.cli.project import current_settings, echo_json
from nightbook.notebooks.parameters import Absent
from nightbook.notebooks.types import describe
from nightbook.workflow.declaring import declaration_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.notebooks.parameters import Parameter


@click.command()
@click.argument("notebook", shell_complete=complete_targets)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, notebook: str, as_json: bool) -> None:
    """Show what NOTEBOOK, a file or a stage's name, declares: names, types, defaults and help."""
    declared = declaration_of(current_settings(), notebook)
    path = os.path.relpath(declared.path)
    if as_json:
        echo_json(
            {
                "notebook": path,
                "kernel": declared.kernel_name,
                "language": declared.language,
                "parameters": [one.to_json() for one in declared.parameters],
            }
        )
    elif declared.parameters:
        Console(soft_wrap=False).print(_table(declared.parameters))
    else:
        click.echo(f"{path} declares no parameters: no cell has the tag 'parameters'")


def _table(parameters: Sequence[Parameter]) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in ("parameter", "takes", "default", "help"):
        table.add_column(heading, overflow="fold")
    for one in parameters:
        default = Text(repr(one.default) if "\n" in one.default_source else one.default_source)
        if one.default is Absent.MISSING:
            default = Text("required", style="bold")
        # As text, not markup: brackets in a help or a default are meant literally.
        table.add_row(Text(one.name, style="bold"), Text(describe(one.type)), default, Text(one.help, style="dim"))
    return table
