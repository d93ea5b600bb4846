from __future__ import annotations

from nightbook.reviews.cells import read_cells


def test_cells_are_numbered_as_in_the_source() -> None:
    injected = {
        "cell_type": "code",
        "source": "alpha = 1",
        "metadata": {"tags": ["injected-parameters"]},
        "outputs": [],
    }
    error = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": []}
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# a\n", "b"], "metadata": {}},
            injected,
            {"cell_type": "code", "id": "x", "source": "1", "outputs": [error], "execution_count": 2},
        ]
    }
    first, second, third = read_cells(notebook)
    assert [cell.index for cell in (first, second, third)] == [0, None, 1]
    assert (first.source, first.kind) == ("# a\nb", "markdown")
    assert (second.is_injected, second.key) == (True, ("parameters", ""))
    assert (third.id, third.execution_count, third.error) == ("x", 2, "E: no")


def test_a_notebook_without_cells_has_none() -> None:
    assert read_cells({}) == ()
