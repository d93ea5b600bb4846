from __future__ import annotations

from typing import Annotated, get_args

import annotated_types
import pytest

import nightbook
from nightbook.notebooks.declarations import Input, Output, Range, Secret


@pytest.mark.parametrize(("declaration", "name"), [(Input, "Input"), (Output, "Output"), (Secret, "Secret")])
def test_roles_are_texts_at_run_time(declaration: object, name: str) -> None:
    kind, role = get_args(declaration)
    assert kind is str
    assert repr(role) == name


def test_range_is_short_for_an_interval_with_both_ends() -> None:
    assert Range(1, 12) == annotated_types.Interval(ge=1, le=12)


def test_a_parameters_cell_does_nothing_but_assign() -> None:
    month: Annotated[int, nightbook.Range(1, 12)] = 6
    flights: nightbook.Input = "flights.parquet"
    assert (month, flights) == (6, "flights.parquet")
