"""`nightbook reject`: sign that a run may not serve."""

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
@click.option("-m", "--message", required=True, help="Why; it is signed.")
@signing_options
def command(run: str, *, message: str, wanted: str, passphrase_file: Path | None, as_json: bool) -> int:
    """Reject RUN, signed with your key; it stays rejected until you approve it."""
    decision = Decision(reference=run, verdict=Verdict.REJECTED, text=message)
    return carry_out(decision, wanted=wanted, passphrase_file=passphrase_file, as_json=as_json)
