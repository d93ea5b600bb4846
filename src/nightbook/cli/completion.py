"""What a shell can complete beside commands and options: stages by name, runs by number; never an error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from nightbook.errors import NightbookError
from nightbook.runs.glance import glance_runs
from nightbook.settings import Settings, load_settings
from nightbook.workflow.declaring import stage_names

if TYPE_CHECKING:
    import click


def complete_stages(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Stages of the project, by the names of its files: reading them would keep the shell waiting."""
    del ctx, param
    settings = _settings()
    if settings is None:
        return []
    return [CompletionItem(name) for name in stage_names(settings) if name.startswith(incomplete)]


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Stages; files where no stage begins like that, since bash shows either names or files."""
    return complete_stages(ctx, param, incomplete) or [CompletionItem(incomplete, type="file")]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest runs, with what they were; only of an embedded ledger, which answers at once."""
    del ctx, param
    settings = _settings()
    if settings is None:
        return []
    seen = [(str(number), words) for number, words in glance_runs(settings.ledger)]
    return [
        CompletionItem(number, help=words)
        for number, words in [("latest", "what was asked for last"), *seen]
        if number.startswith(incomplete)
    ]


def _settings() -> Settings | None:
    try:
        return load_settings(Path.cwd(), environment=os.environ)
    except NightbookError:
        return None
