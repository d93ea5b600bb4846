"""`nightbook doctor`: what is installed, configured and reachable."""

from __future__ import annotations

import click
from rich.text import Text

from nightbook.cli.answers import plain_table, stdout_console
from nightbook.cli.project import current_settings, echo_json
from nightbook.errors import ExitCode
from nightbook.workflow.diagnosing import Diagnosis, diagnose


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def command(*, as_json: bool) -> int:
    """Say what is installed, every setting with its source, and what can be reached."""
    diagnosis = diagnose(current_settings())
    if as_json:
        echo_json(diagnosis.to_json())
    else:
        _show(diagnosis)
    return ExitCode.DONE if diagnosis.is_healthy else ExitCode.UNREACHABLE


def _show(diagnosis: Diagnosis) -> None:
    console = stdout_console()
    versions = plain_table("program", "version")
    for name, version in diagnosis.versions.items():
        versions.add_row(name, version or Text("not installed", "red"))
    settings = plain_table("setting", "value", "from")
    for one in diagnosis.settings:
        settings.add_row(one.name, Text(one.value), Text(one.source, "dim"))
    checks = plain_table("", "check", "found")
    for check in diagnosis.checks:
        mark = Text("✓", "green") if check.is_good else Text("✗", "bold red")
        checks.add_row(mark, check.name, Text(check.words))
        if check.remedy:
            checks.add_row("", "", Text(f"try: {check.remedy}", "bold"))
    for table in (versions, settings, checks):
        console.print(table)
        console.print()
