"""What modules say and ask while they are imported: warnings, and whether they are in a notebook.

A warm parent is no notebook and its forks are. A module that asks when it is imported would keep the wrong answer.
"""

from __future__ import annotations

import builtins
import contextlib
import sys
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANSWERED = frozenset({"pandas"})
"""They want to know no more than that there is a kernel."""
_SERVED_LATER = frozenset({"comm", "ipywidgets", "matplotlib", "matplotlib_inline"})
"""They ask again when they are used, or the kernel tells them when it begins."""
_OWN = frozenset({"IPython", "traitlets", __name__.partition(".")[0]})


@contextlib.contextmanager
def warned() -> Iterator[list[str]]:
    """The warnings that would be seen; filters are left as they are, since what an import adds to them is to stay."""
    shown: list[str] = []
    original = warnings.showwarning

    def show(message: Warning | str, *_: object, **__: object) -> None:
        shown.append(str(message))

    warnings.showwarning = show
    try:
        yield shown
    finally:
        if warnings.showwarning is show:
            warnings.showwarning = original


@contextlib.contextmanager
def asked() -> Iterator[list[str]]:
    """The modules that look for IPython's shell and will not look again."""
    found: list[str] = []

    def get_ipython() -> object:
        module = _asker()
        if module.partition(".")[0] in _ANSWERED:
            return SimpleNamespace(kernel=None)
        _note(module)
        return None

    def initialized() -> bool:
        _note(_asker())
        return False

    def _note(module: str) -> None:
        if module.partition(".")[0] not in _SERVED_LATER:
            found.append(module)

    shell: Any = InteractiveShell
    outer: Any = builtins
    outer.get_ipython, shell.initialized = get_ipython, initialized
    try:
        yield found
    finally:
        # As they were: not there, and the one of its base class.
        del outer.get_ipython, shell.initialized


def _asker() -> str:
    """The module that asks, behind IPython's own functions."""
    frame = sys._getframe(1)  # noqa: SLF001 - the module inspect reads every file on the way
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _OWN:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__"))
