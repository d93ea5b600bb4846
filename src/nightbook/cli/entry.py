"""How `nightbook` begins: a warm process carries the command out where there is one, with this process's terminal.

What a short command costs is mostly imports. A fork of a process that has done them needs none; this one only lends it
its terminal, passes signals on and leaves with its exit code.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module

WARM_COMMANDS = frozenset({"run", "sweep", "resume"})
RUNNING_COMMANDS = WARM_COMMANDS | {"lab"}
UNLOCKING = "NIGHTBOOK_PASSPHRASE"


def main() -> None:
    """Have the command carried out, and leave with its code."""
    if _command(sys.argv[1:]) in RUNNING_COMMANDS:
        # No notebook is to find what unlocks its user's signing key.
        os.environ.pop(UNLOCKING, None)
    code = _carried_out_elsewhere() if _may_be_elsewhere(sys.argv[1:]) else None
    if code is not None:
        os._exit(code)
    import_module("nightbook.cli.main").main()


def _may_be_elsewhere(arguments: list[str]) -> bool:
    return sys.platform.startswith("linux") and _command(arguments) in WARM_COMMANDS and "--help" not in arguments


def _command(arguments: list[str]) -> str:
    return next((one for one in arguments if not one.startswith("-")), "")


def _carried_out_elsewhere() -> int | None:
    """The exit code; None when no warm process is there, and nothing was begun."""
    with suppress(OSError, ImportError):
        code: int | None = import_module("nightbook.cli.attended").attend(sys.argv[1:])
        return code
    return None
