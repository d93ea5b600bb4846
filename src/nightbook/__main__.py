"""`python -m nightbook`, the same as `nightbook`."""

from __future__ import annotations

from nightbook.cli.entry import main

if __name__ == "__main__":
    main()
