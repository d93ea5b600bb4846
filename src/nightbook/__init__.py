"""Notebooks by day, jobs by night.

In a notebook: the declarations of its `parameters` cell (`Input`, `Output`, `Secret`, `Range`) and what it may call
while it runs (`log_metric`, `exit_early`, `reveal` …). From a program: what the commands do (`run`, `sweep`, `report`,
`diff` …), loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nightbook.notebooks.declarations import Input, Output, Range, Secret
from nightbook.notebooks.inside import (
    exit_early,
    log_artifact,
    log_metric,
    log_metrics,
    log_model,
    log_param,
    log_table,
    reveal,
)
from nightbook.version import __version__

if TYPE_CHECKING:
    from nightbook.workflow.api import compare, get_run, plan, resume, run, search_runs, sweep
    from nightbook.workflow.api_project import cancel, diff, doctor, init, logs, params, report, sync

__all__ = [
    "Input",
    "Output",
    "Range",
    "Secret",
    "__version__",
    "cancel",
    "compare",
    "diff",
    "doctor",
    "exit_early",
    "get_run",
    "init",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_table",
    "logs",
    "params",
    "plan",
    "report",
    "resume",
    "reveal",
    "run",
    "search_runs",
    "sweep",
    "sync",
]

_RUNNING = frozenset({"compare", "get_run", "plan", "resume", "run", "search_runs", "sweep"})
_PROJECT = frozenset({"cancel", "diff", "doctor", "init", "logs", "params", "report", "sync"})


def __getattr__(name: str) -> object:
    """Load the workflows when one is first used: a notebook that only logs a metric waits for none of them.

    Raises:
        AttributeError: Nightbook has no such name.
    """
    if name in _RUNNING:
        return getattr(importlib.import_module("nightbook.workflow.api"), name)
    if name in _PROJECT:
        return getattr(importlib.import_module("nightbook.workflow.api_project"), name)
    message = f"module 'nightbook' has no attribute '{name}'"
    raise AttributeError(message)
