"""`nightbook request-review`: put a run before the reviewers."""

from __future__ import annotations

import click

from nightbook.cli.completion import complete_runs
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.workflow.requesting import request_review


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("-m", "--message", default="", help="What the reviewers should know.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(run: str, *, message: str, as_json: bool) -> int:
    """Ask for the review of RUN as it is now: a change after this is noticed."""
    review = request_review(current_settings(), run, message)
    if as_json:
        echo_json(review.to_json())
        return ExitCode.DONE
    click.echo(f"{review.run.label} waits for review")
    click.echo(
        f"try: nightbook report {review.run.number}; nightbook approve {review.run.number} --job NAME -m TEXT", err=True
    )
    return ExitCode.DONE
