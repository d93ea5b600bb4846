"""The self-contained HTML page of a run, and the comparison page of a sweep.

`numbers` and `context` are light; nbconvert and its kin are imported when a page is first rendered.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nightbook.runs.report.context import CodeVisibility, ReportContext, ReportParameter

if TYPE_CHECKING:
    from nightbook.runs.report.comparison import render_comparison
    from nightbook.runs.report.render import render_report

__all__ = ["CodeVisibility", "ReportContext", "ReportParameter", "render_comparison", "render_report"]

_LAZY = {
    "render_comparison": "nightbook.runs.report.comparison",
    "render_report": "nightbook.runs.report.render",
}


def __getattr__(name: str) -> object:
    """Import a renderer with its heavy libraries at first use."""
    if name not in _LAZY:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_LAZY[name]), name)
