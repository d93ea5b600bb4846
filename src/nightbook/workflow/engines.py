"""What runs a stage's cells: a fork of a warm process where that gives the same, else a kernel of Jupyter's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nightbook.pipelines.kernels import find_kernel
from nightbook.pipelines.stand_ins import reason_of
from nightbook.runs.request import FORK, JUPYTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.pipelines.stage import Stage
    from nightbook.settings import Settings

_FLAG, _VARIABLE = "flag ", "environment "


def choose_engine(settings: Settings, stage: Stage, stand_ins: Sequence[str]) -> tuple[str, str]:
    """The engine for a stage, and why it does not fork; an empty reason when it does.

    Args:
        settings: The project.
        stage: The stage.
        stand_ins: Names of own modules that its code finds before installed ones of these names.
    """
    declared = settings.stages[stage.name].engine if stage.name in settings.stages else ""
    if (declared or settings.engine) != FORK:
        reason = f"declared for stage '{stage.name}'" if declared else _who_says_so(settings)
    else:
        reason = _why_no_fork(stage) or reason_of(stand_ins)
    return (JUPYTER, reason) if reason else (FORK, "")


def _who_says_so(settings: Settings) -> str:
    source = settings.sources.get("engine", "")
    if source.startswith(_FLAG):
        return f"asked for with {source.removeprefix(_FLAG)}"
    if source.startswith(_VARIABLE):
        return f"{source.removeprefix(_VARIABLE)} says so"
    return _why_not_here() or "the settings say so"


def _why_not_here() -> str:
    return "" if sys.platform.startswith("linux") else "the fork engine needs Linux"


def _why_no_fork(stage: Stage) -> str:
    if reason := _why_not_here():
        return reason
    kernel = find_kernel(stage.kernel_name)
    if kernel.language != "python":
        return f"the kernel '{kernel.name}' is not Python"
    if not kernel.is_plain:
        return f"the kernel '{kernel.name}' has an environment of its own"
    return ""
