"""`nightbook init`: a new project."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from nightbook.errors import ExitCode
from nightbook.workflow.starting import start_project


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """Make a project in DIR, here by default: settings and two small notebooks that make a pipeline.

    Nothing that is there is changed.
    """
    project = start_project(folder)
    for name in project.written:
        click.echo(f"{click.style('+', fg='green')} {name}")
    for name in project.kept:
        click.echo(f"{click.style('=', dim=True)} {name} was there")
    for advice in project.advice:
        click.echo(f"{click.style('!', fg='yellow')} {advice}")
    if project.written:
        place = shlex.quote(os.path.relpath(project.root))
        there = f"cd {place} && " if place != "." else ""
        click.echo(f"\ntry: {there}nightbook run")
    else:
        click.echo("\nnothing to do: all of it is there")
    return ExitCode.DONE
