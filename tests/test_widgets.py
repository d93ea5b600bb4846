from __future__ import annotations

import nightbook.widgets
from nightbook.lab.parameter_form import ParameterForm


def test_notebooks_find_the_form_under_one_short_name() -> None:
    assert nightbook.widgets.ParameterForm is ParameterForm
