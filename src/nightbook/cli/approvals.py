"""`nightbook approvals`: list reviews, and verify what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from nightbook.cli.answers import plain_table, stdout_console
from nightbook.cli.completion import complete_runs
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.numbers import format_time
from nightbook.reviews.names import shown_name
from nightbook.runs.review_log import ReviewState
from nightbook.workflow.verifying import list_reviews, verify_approvals

if TYPE_CHECKING:
    from rich.console import Console

    from nightbook.workflow.verifying import Verified

MARKS = {
    ReviewState.WAITING: ("◇ waiting", "yellow"),
    ReviewState.APPROVED: ("✓ approved", "green"),
    ReviewState.REJECTED: ("✗ rejected", "bold red"),
}


@click.group()
def command() -> None:
    """List reviews, and verify what was signed."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_(*, as_json: bool) -> int:
    """List the runs about which something was said, and what; whether it still holds, `verify` says."""
    reviews = list_reviews(current_settings())
    if as_json:
        echo_json({"reviews": [one.to_json() for one in reviews]})
        return ExitCode.DONE
    if not reviews:
        click.echo("no run was reviewed yet; try: nightbook request-review RUN", err=True)
        return ExitCode.DONE
    table = plain_table("run", "state", "said", "by", "when", "job", "why")
    for review in reviews:
        for number, entry in enumerate(review.entries):
            mark = Text("") if number or review.state is None else Text(*MARKS[review.state])
            who, why = Text(shown_name(entry.by)), Text(shown_name(entry.text))
            label = Text("" if number else review.run.label)
            table.add_row(label, mark, entry.verdict.value, who, format_time(entry.at), Text(entry.job), why)
    stdout_console().print(table)
    return ExitCode.DONE


@command.command("verify")
@click.argument("run", default="", shell_complete=complete_runs)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def verify(run: str, *, as_json: bool) -> int:
    """Check every signature, digest and rule of RUN, or of all runs; asks no network. Exits with 3 if one fails."""
    found = verify_approvals(current_settings(), run)
    is_good = all(one.is_good for one in found)
    if as_json:
        echo_json({"ok": is_good, "runs": [one.to_json() for one in found]})
    elif not any(one.review.checked or one.problems for one in found):
        click.echo("nothing is signed yet", err=True)
    else:
        console = stdout_console()
        for one in found:
            _show(console, one)
    return ExitCode.DONE if is_good else ExitCode.REFUSED


def _show(console: Console, verified: Verified) -> None:
    label = verified.review.run.label
    for one in verified.review.checked:
        mark, style = ("✓", "green") if one.is_valid else ("✗", "bold red")
        said = f"{label}  {one.entry.verdict.value} by {shown_name(one.entry.by)}, {format_time(one.entry.at)}"
        console.print(Text.assemble((mark, style), f" {said}"), soft_wrap=True)
        for problem in one.problems:
            console.print(Text(f"    refused: {problem}"), soft_wrap=True)
    for problem in verified.problems:
        console.print(Text.assemble(("✗", "bold red"), f" {label}  {problem}"), soft_wrap=True)
