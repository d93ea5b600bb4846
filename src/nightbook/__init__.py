"""Notebooks by day, jobs by night."""

from nightbook.notebooks.declarations import Input, Output, Range, Secret

__version__ = "0.1.0"

__all__ = ["Input", "Output", "Range", "Secret", "__version__"]
