"""Installed Jupyter kernels, found on disk without a client: a plan needs only their language and interpreter."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_path

from nightbook.errors import KernelError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

NATIVE = "python3"
_PLAIN_ARGUMENTS = (
    ["-m", "ipykernel_launcher", "-f", "{connection_file}"],
    ["-m", "ipykernel", "-f", "{connection_file}"],
)
_OWN_PROGRAMS = frozenset(
    str(Path(sys.executable).parent / name)
    for name in ("python", "python3", f"python3.{sys.version_info.minor}", Path(sys.executable).name)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """An installed kernel.

    Attributes:
        name: What notebooks call it.
        language: In the notebook's words: `python`, `R`, `bash`.
        interpreter: The program that it starts.
        is_plain: It is ipykernel in this very environment, started as everywhere.
    """

    name: str
    language: str
    interpreter: str
    is_plain: bool = False


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
        return Kernel(name=name, language="python", interpreter=sys.executable, is_plain=True)
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
        is_plain = _is_plain(spec)
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise KernelError(f"the kernel '{name}' is broken: {file}: {error}", remedy="install it again") from None
    is_python = language.lower() in {"python", "ipython"}
    return Kernel(name=name, language="python" if is_python else language, interpreter=interpreter, is_plain=is_plain)


def _is_plain(spec: Mapping[str, Any]) -> bool:
    program, *arguments = [one for one in spec["argv"] if not one.startswith("-X")]
    # A bare `python` is this one, as for Jupyter.
    is_ours = program in {"python", "python3"} or os.path.abspath(program) in _OWN_PROGRAMS  # noqa: PTH100 - links stay
    return is_ours and arguments in _PLAIN_ARGUMENTS and not spec.get("env")


def _folders() -> tuple[Path, ...]:
    return tuple(map(Path, jupyter_path("kernels")))
