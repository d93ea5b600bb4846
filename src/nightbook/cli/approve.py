"""`nightbook approve`: sign that a run may serve as a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightbook.cli.completion import complete_runs
from nightbook.cli.deciding import carry_out
from nightbook.cli.unlocking import signing_options
from nightbook.runs.review_log import Verdict
from nightbook.workflow.deciding import Decision

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--job", required=True, help="What it is approved for.")
@click.option("-m", "--message", required=True, help="Why; it is signed.")
@signing_options
def command(run: str, *, job: str, message: str, wanted: str, passphrase_file: Path | None, as_json: bool) -> int:
    """Approve RUN for a job, signed with your key: report, code, parameters, data and environment as they are now."""
    decision = Decision(reference=run, verdict=Verdict.APPROVED, text=message, job=job)
    return carry_out(decision, wanted=wanted, passphrase_file=passphrase_file, as_json=as_json)
