"""Where the shipped templates lie: beside `src/` in a checkout, inside the package in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CANDIDATES = (_PACKAGE / "templates", _PACKAGE.parent.parent / "templates")


def templates_folder(name: str) -> Path:
    """The folder of one family of templates, such as `report` or `project`.

    Raises:
        FileNotFoundError: The installation lacks it: a broken install, not a user's mistake.
    """
    for candidate in _CANDIDATES:
        if (candidate / name).is_dir():
            return candidate / name
    msg = f"templates/{name} is missing from this installation of nightbook; install it again"
    raise FileNotFoundError(msg)
