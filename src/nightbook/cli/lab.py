"""`nightbook lab`: JupyterLab on the project's notebooks."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from nightbook.cli.project import current_settings
from nightbook.workflow.exploring import lab_command


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[JUPYTERLAB'S OPTIONS]...")
def command(arguments: tuple[str, ...]) -> None:
    """Open JupyterLab on the project's notebooks, on this machine only.

    What follows is passed on, such as --no-browser or --port 9999.
    """
    settings = current_settings()
    os.chdir(settings.root)
    started = lab_command(settings, arguments)
    sys.stdout.flush()
    if sys.platform == "win32":  # where nothing takes another process's place
        sys.exit(subprocess.call(started))
    # In place of this process: Ctrl-C and the terminal are JupyterLab's own.
    os.execv(started[0], started)  # noqa: S606 - a list that we build, no shell
