"""`nightbook resume`: finish what a run still owes."""

from __future__ import annotations

import time

import click

from nightbook.cli.closing import show_result
from nightbook.cli.completion import complete_runs
from nightbook.cli.display import TerminalWatcher, stderr_console
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.settings import PUBLISHINGS
from nightbook.workflow.requests import SilentWatcher
from nightbook.workflow.resume import Resumption, resume


@click.command()
@click.argument("run", default="latest", shell_complete=complete_runs)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Stages at once.  [default: the cores]")
@click.option("--executor", metavar="NAME", help="Where runs are carried out: local, dask or dask://HOST:PORT.")
@click.option("--publish", type=click.Choice(PUBLISHINGS), help="Reports and MLflow as runs end, or with a later sync.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(run: str, *, jobs: int | None, executor: str | None, publish: str | None, as_json: bool) -> int:
    """Run only what RUN, a failed or interrupted one, still owes, with the same parameters.

    Without RUN: what was asked for last.
    """
    started = time.monotonic()
    settings = current_settings({"jobs": jobs, "executor": executor, "publish": publish})
    if as_json:
        resumption = resume(settings, run, SilentWatcher())
        echo_json(_document(resumption))
    else:
        console = stderr_console()
        with TerminalWatcher(console) as watcher:
            resumption = resume(settings, run, watcher)
        if resumption.result is None:
            click.echo(f"{resumption.of.label} {resumption.of.status.value}: nothing is owed", err=True)
        else:
            show_result(console, resumption.result, settings.root, time.monotonic() - started)
    return ExitCode.DONE if resumption.result is None else resumption.result.exit_code


def _document(resumption: Resumption) -> dict[str, object]:
    if resumption.result is not None:
        return resumption.result.to_json()
    return {"run_id": None, "status": resumption.of.status.value, "runs": []}
