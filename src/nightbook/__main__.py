"""`python -m nightbook`, the same as `nightbook`."""

from nightbook.cli.main import main

if __name__ == "__main__":
    main()
