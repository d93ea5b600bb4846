"""What every command begins with: the project around the working directory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.settings import Settings


def current_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the project around the working directory, with a command's flags on top."""
    return load_settings(Path.cwd(), environment=os.environ, flags=flags or {})


def echo_json(document: object) -> None:
    """One JSON document on stdout, strict: no NaN, and UTF-8 whatever the terminal's encoding is."""
    # A notebook may hold halves of characters, which UTF-8 does not have.
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
