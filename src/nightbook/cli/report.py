"""`nightbook report`: where a run's report is, or a copy of it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from nightbook.cli.completion import complete_runs
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.runs.report import CodeVisibility
from nightbook.workflow.browsing import show_run
from nightbook.workflow.reports import report


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write a copy there.")
@click.option("--no-code", is_flag=True, help="Leave the code out of the file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(run: str, *, output: Path | None, no_code: bool, as_json: bool) -> int:
    """Print where the report of RUN is; it is one file that opens from disk.

    Of a pipeline: the reports of its stages. Of a sweep: the page that compares its runs.
    """
    settings = current_settings()
    code = CodeVisibility.ABSENT if no_code else CodeVisibility.FOLDED
    if as_json:
        # `latest` may be another run by the time that the report is written.
        run = show_run(settings, run).run.run_id
        paths = [os.path.abspath(path) for path in report(settings, run, target=output, code=code)]  # noqa: PTH100 - links stay
        echo_json({"run_id": run, "report": paths[0] if len(paths) == 1 else None, "reports": paths})
        return ExitCode.DONE
    for path in report(settings, run, target=output, code=code):
        click.echo(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path)
    return ExitCode.DONE
