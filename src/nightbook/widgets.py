"""What a notebook shows and one can operate: `from nightbook.widgets import ParameterForm`."""

from __future__ import annotations

from nightbook.lab.parameter_form import ParameterForm

__all__ = ["ParameterForm"]
