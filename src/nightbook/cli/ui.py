"""`nightbook ui`: the review app."""

from __future__ import annotations

import sys
import webbrowser

import click

from nightbook.cli.project import current_settings
from nightbook.errors import ExitCode
from nightbook.ui.server import serve

DEFAULT_PORT = 8899


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
def command(*, port: int, browser: bool) -> int:
    """Open the review app: runs, their reports, what differs between them.

    It listens on this machine only. The link that is printed logs in whoever opens it first.
    """

    def announce(link: str) -> None:
        click.echo(f"Nightbook is at {link}\nThe link works once. Ctrl-C ends the app.")
        sys.stdout.flush()
        if browser and sys.stdout.isatty():
            webbrowser.open(link)

    serve(current_settings(), port=port, announce=announce)
    return ExitCode.DONE
