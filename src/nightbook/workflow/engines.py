"""What runs a stage's cells: a fork of a warm process where that gives the same, else a kernel of Jupyter's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nightbook.pipelines.kernels import find_kernel
from nightbook.runs.request import FORK, JUPYTER

if TYPE_CHECKING:
    from nightbook.pipelines.stage import Stage
    from nightbook.settings import Settings


def choose_engine(settings: Settings, stage: Stage) -> tuple[str, str]:
    """The engine for a stage, and why it is not the one that was asked for."""
    declared = settings.stages[stage.name].engine if stage.name in settings.stages else ""
    wanted = declared or settings.engine
    reason = _why_no_fork(stage) if wanted == FORK else ""
    return (JUPYTER, reason) if reason else (wanted, "")


def _why_no_fork(stage: Stage) -> str:
    if not sys.platform.startswith("linux"):
        return "the fork engine needs Linux"
    kernel = find_kernel(stage.kernel_name)
    if kernel.language != "python":
        return f"the kernel '{kernel.name}' is not Python"
    if not kernel.is_plain:
        return f"the kernel '{kernel.name}' has an environment of its own"
    return ""
