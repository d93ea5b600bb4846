"""`nightbook report`: where a run's report is, or a copy of it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from nightbook.cli.completion import complete_runs
from nightbook.cli.project import current_settings
from nightbook.errors import ExitCode
from nightbook.runs.report import CodeVisibility
from nightbook.workflow.reports import report


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write a copy there.")
@click.option("--no-code", is_flag=True, help="Leave the code out of the file.")
def command(run: str, *, output: Path | None, no_code: bool) -> int:
    """Print where the report of RUN is; it is one file that opens from disk.

    Of a pipeline: the reports of its stages. Of a sweep: the page that compares its runs.
    """
    code = CodeVisibility.ABSENT if no_code else CodeVisibility.FOLDED
    for path in report(current_settings(), run, target=output, code=code):
        click.echo(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path)
    return ExitCode.DONE
