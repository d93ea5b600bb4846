"""`nightbook params`: what a notebook can be given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import PipelineError, nearest
from nightbook.notebooks.document import read_notebook
from nightbook.notebooks.parameters import Absent, Parameter, declared_parameters, read_parameters
from nightbook.notebooks.types import describe
from nightbook.pipelines.stage import stage_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.notebooks.document import Notebook
    from nightbook.settings import Settings

_SUFFIXES = (".ipynb", ".py", ".md")


@click.command()
@click.argument("notebook")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, notebook: str, as_json: bool) -> None:
    """Show what NOTEBOOK, a file or a stage's name, declares: names, types, defaults and help."""
    settings = current_settings()
    document = read_notebook(_find(settings, notebook))
    parameters = read_parameters(document) or _from_settings(settings, document)
    if as_json:
        echo_json(
            {
                "notebook": os.path.relpath(document.path),
                "kernel": document.kernel_name,
                "language": document.language,
                "parameters": [one.to_json() for one in parameters],
            }
        )
    elif parameters:
        Console(soft_wrap=False).print(_table(parameters))
    else:
        click.echo(f"{os.path.relpath(document.path)} declares no parameters: no cell has the tag 'parameters'")


def _find(settings: Settings, target: str) -> Path:
    if Path(target).suffix in _SUFFIXES or Path(target).exists():
        return Path(target).absolute()
    folder = settings.root / settings.notebooks
    files = {stage_name(one): one for one in sorted(folder.glob("*.ipynb"))}
    files |= {name: settings.root / one.notebook for name, one in settings.stages.items() if one.notebook}
    if target not in files:
        raise PipelineError(f"there is no stage '{target}'", remedy=nearest(target, files))
    return files[target]


def _from_settings(settings: Settings, document: Notebook) -> tuple[Parameter, ...]:
    """Parameters of a notebook that cannot declare its own, from its table in the settings."""
    for name, table in settings.stages.items():
        is_named = table.notebook and settings.root / table.notebook == document.path
        if is_named or (not table.notebook and name == stage_name(document.path)):
            return declared_parameters(table.parameters, where=f"[stages.{name}]")
    return ()


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
