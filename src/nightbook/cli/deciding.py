"""What approve, reject and comment have in common: unlock, sign, say where the run stands now."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from nightbook.cli.project import current_settings, echo_json
from nightbook.cli.unlocking import unlocked_key
from nightbook.errors import ExitCode, TrackerError
from nightbook.reviews.names import shown_name
from nightbook.reviews.trust import load_trust
from nightbook.runs.review_log import ReviewState
from nightbook.settings import PUBLISHINGS
from nightbook.workflow.deciding import Decision, decide

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.settings import Settings
    from nightbook.workflow.deciding import Decided


def carry_out(decision: Decision, *, wanted: str, passphrase_file: Path | None, as_json: bool) -> int:
    """Sign with the user's key and show what became of it."""
    settings = current_settings()
    decided = decide(settings, decision, unlocked_key(wanted, passphrase_file, load_trust(settings.root)))
    if as_json:
        echo_json(decided.to_json())
    else:
        _tell(decided)
    _tell_mlflow(settings)
    return ExitCode.DONE


def _tell(decided: Decided) -> None:
    signed, judgement = decided.statement, decided.judgement
    job = f" for {signed.job}" if signed.job else ""
    click.echo(f"{decided.label} {signed.verdict.value}{job} by {shown_name(signed.reviewer)}, signed")
    if judgement.state is ReviewState.WAITING:
        click.echo(f"it waits: {'; '.join(judgement.lacks)}", err=True)


def _tell_mlflow(settings: Settings) -> None:
    """At once where that is asked for; what MLflow misses stays owed."""
    if settings.publish != PUBLISHINGS[0]:
        return
    try:
        # MLflow takes seconds to load: the decision is recorded and told before.
        owed = import_module("nightbook.workflow.sync").sync(settings).owed
    except TrackerError:
        owed = 1
    if owed:
        click.echo("MLflow does not know of it yet; try: nightbook sync", err=True)
