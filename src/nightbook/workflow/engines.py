"""What runs a stage's cells: a fork of a warm process where that gives the same, else a kernel of Jupyter's."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.pipelines.kernels import find_kernel
from nightbook.runs.request import FORK, JUPYTER
from nightbook.runs.warm.asking import ensure_parent
from nightbook.runs.warm.kernels import parents_environment
from nightbook.runs.warm.places import KERNEL, place_of, secret_variables

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def warm_up(settings: Settings, secrets: Sequence[str]) -> None:
    """Have a parent for kernels started, should there be none; a run that finds none takes the other engine."""
    names = secret_variables(secrets)
    with suppress(StorageError):
        ensure_parent(
            place_of(KERNEL, os.environ, root=str(settings.root), secrets=names), parents_environment(os.environ)
        )
