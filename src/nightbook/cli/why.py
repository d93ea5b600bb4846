"""`nightbook why`: the reasons for which a stage would run, or would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nightbook.cli.completion import complete_stages
from nightbook.cli.parameters import parameter_options
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.pipelines.plan import Verdict
from nightbook.workflow.planning import plan
from nightbook.workflow.requests import RunRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.pipelines.plan import Decision

WORDS = {
    Verdict.RUN: "would run",
    Verdict.UP_TO_DATE: "would not run",
    Verdict.RESTORE: "would not run; its outputs would be restored",
    Verdict.UNDECIDED: "may run",
}


@click.command()
@click.argument("stage", shell_complete=complete_stages)
@parameter_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(stage: str, *, given: Mapping[str, object], as_json: bool) -> int:
    """Say why STAGE would run, or would not, and the same of what it needs."""
    intended = plan(RunRequest(settings=current_settings(), targets=(stage,), parameters=given))
    *needs, asked = intended.decisions
    if as_json:
        echo_json({**asked.to_json(), "needs": [one.to_json() for one in needs]})
        return ExitCode.DONE
    _say(asked)
    for one in needs:
        if one.verdict is not Verdict.UP_TO_DATE:
            _say(one)
    return ExitCode.DONE


def _say(decision: Decision) -> None:
    click.echo(f"{click.style(decision.stage, bold=True)} {WORDS[decision.verdict]}:")
    for reason in decision.reasons:
        click.echo(f"  {reason}")
