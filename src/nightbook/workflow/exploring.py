"""Work on the project's notebooks by hand, in the environment in which they run in batch."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nightbook.systems import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nightbook.settings import Settings


def lab_command(settings: Settings, arguments: Sequence[str]) -> list[str]:
    """The command that starts JupyterLab at the project's root, listening on this machine only.

    Args:
        settings: The project; JupyterLab of its own `.venv` is taken where it has one.
        arguments: JupyterLab's own options; they come last and so win.
    """
    own = settings.root / ".venv" / PROGRAMS
    interpreter = (
        str(own / "python")
        if any((own / name).exists() for name in ("jupyter-lab", "jupyter-lab.exe"))
        else sys.executable
    )
    folder = f"/tree/{settings.notebooks}" if (settings.root / settings.notebooks).is_dir() else ""
    return [
        interpreter,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={settings.root}",
        f"--LabApp.default_url=/lab{folder}",
        # Jupyter refuses to serve root unless told; who may start it here is not ours to decide.
        *(["--allow-root"] if sys.platform != "win32" and os.getuid() == 0 else []),
        *arguments,
    ]
