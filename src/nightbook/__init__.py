"""Notebooks by day, jobs by night.

In a notebook: the declarations of its `parameters` cell (`Input`, `Output`, `Secret`, `Range`) and what it may call
while it runs (`log_metric`, `exit_early`, `reveal` …). From a program: what the commands do (`run`, `sweep`, `report`,
`diff` …), loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nightbook.version import __version__

if TYPE_CHECKING:
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
    from nightbook.workflow.api import compare, get_run, plan, resume, run, search_runs, sweep
    from nightbook.workflow.api_project import (
        cancel,
        diff,
        doctor,
        init,
        logs,
        params,
        report,
        request_review,
        sync,
        verify_approvals,
    )

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
    "request_review",
    "resume",
    "reveal",
    "run",
    "search_runs",
    "sweep",
    "sync",
    "verify_approvals",
]

_MODULES = {
    "nightbook.notebooks.declarations": ("Input", "Output", "Range", "Secret"),
    "nightbook.notebooks.inside": (
        "exit_early",
        "log_artifact",
        "log_metric",
        "log_metrics",
        "log_model",
        "log_param",
        "log_table",
        "reveal",
    ),
    "nightbook.workflow.api": ("compare", "get_run", "plan", "resume", "run", "search_runs", "sweep"),
    "nightbook.workflow.api_project": (
        "cancel",
        "diff",
        "doctor",
        "init",
        "logs",
        "params",
        "report",
        "request_review",
        "sync",
        "verify_approvals",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load what is first used: a notebook that only logs a metric waits for no workflow, a command for none of it.

    Raises:
        AttributeError: Nightbook has no such name.
    """
    if name not in _MODULE_OF:
        message = f"module 'nightbook' has no attribute '{name}'"
        raise AttributeError(message)
    found = globals()[name] = getattr(importlib.import_module(_MODULE_OF[name]), name)
    return found
