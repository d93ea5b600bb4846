"""How each process of ours begins: `python -P -m nightbook.runs.process MODULE ARGUMENT…` calls the module's `main`."""

from __future__ import annotations

import sys
from importlib import import_module

from nightbook.loading import UNUSED_VALIDATORS, collect_rarely, without


def command_for(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of ours with this interpreter.

    With -P, so that no module of the working directory stands in for one of ours.
    """
    return [sys.executable, "-P", "-m", "nightbook.runs.process", module, *arguments]


def main() -> None:
    """Load the module that the command line names and run it on the rest."""
    collect_rarely()
    name = sys.argv.pop(1)
    with without(*UNUSED_VALIDATORS):
        import_module(name).main()


if __name__ == "__main__":
    main()
