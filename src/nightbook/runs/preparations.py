"""What a kernel is made ready with, silently, before a notebook's first cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.runs import lossless, own_mlflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.runs.request import ExecutionRequest


def preparations(request: ExecutionRequest, *, is_zmq: bool) -> Iterator[str]:
    """The code to execute, for a Python kernel; others are taken as they are.

    Args:
        request: What is to be executed.
        is_zmq: The kernel publishes by ZeroMQ.
    """
    if request.language != "python":
        return
    for module in (*([lossless] if is_zmq else []), *([own_mlflow] if request.awaits_tracking else [])):
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        # In a namespace of its own: the notebook's stays as the notebook makes it. A Python kernel that is not
        # IPython's says so by an error, and does without.
        yield f"exec(compile({source!r}, {module.__name__!r}, 'exec', dont_inherit=True), {{'__name__': '__main__'}})"
