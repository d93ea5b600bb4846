"""Installed Jupyter kernels, found on disk without a client: a plan needs only their language and interpreter."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import jupyter_path

from nightbook.errors import KernelError, nearest

NATIVE = "python3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """An installed kernel.

    Attributes:
        name: What notebooks call it.
        language: In the notebook's words: `python`, `R`, `bash`.
        interpreter: The program that it starts.
    """

    name: str
    language: str
    interpreter: str


def find_kernel(name: str) -> Kernel:
    """Find a kernel where Jupyter would.

    Raises:
        KernelError: It is not installed; the installed ones are named.
    """
    for folder in _folders():
        # Jupyter compares names in lower case.
        file = folder / name.lower() / "kernel.json"
        if file.is_file():
            return _kernel(name, file)
    if name == NATIVE:
        # Jupyter offers the running interpreter under this name even when nobody installed it.
        return Kernel(name=name, language="python", interpreter=sys.executable)
    installed = installed_kernels()
    raise KernelError(f"the kernel '{name}' is not installed", remedy=_remedy(name, installed))


def installed_kernels() -> tuple[str, ...]:
    """The names of all kernels that can be started, sorted."""
    found = {NATIVE}
    for folder in _folders():
        if folder.is_dir():
            found.update(entry.name for entry in folder.iterdir() if (entry / "kernel.json").is_file())
    return tuple(sorted(found))


def _remedy(name: str, installed: tuple[str, ...]) -> str:
    words = nearest(name, installed)
    return words if words.startswith("known") else f"{words} (installed: {', '.join(installed)})"


def _kernel(name: str, file: Path) -> Kernel:
    try:
        spec = json.loads(file.read_text(encoding="utf-8"))
        interpreter, language = str(spec["argv"][0]), str(spec.get("language") or "")
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise KernelError(f"the kernel '{name}' is broken: {file}: {error}", remedy="install it again") from None
    is_python = language.lower() in {"python", "ipython"}
    return Kernel(name=name, language="python" if is_python else language, interpreter=interpreter)


def _folders() -> tuple[Path, ...]:
    return tuple(map(Path, jupyter_path("kernels")))
