"""Notebooks for tests, made from the sources of their cells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.notebooks.document import read_notebook
from nightbook.notebooks.parameters import Parameter, read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def notebook_json(
    *sources: str, tagged: int | None = 0, metadata: dict[str, object] | None = None
) -> dict[str, object]:
    """An nbformat 4 document of code cells; the one at `tagged` is its `parameters` cell."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "metadata": {"tags": ["parameters"]} if index == tagged else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for index, source in enumerate(sources)
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernelspec} if metadata is None else metadata,
        "cells": cells,
    }


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    def write(*sources: str, name: str = "train.ipynb", **options: object) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(notebook_json(*sources, **options)), encoding="utf-8")  # type: ignore[arg-type]  # options of notebook_json
        return path

    return write


@pytest.fixture
def declare(write_notebook: Callable[..., Path]) -> Callable[..., tuple[Parameter, ...]]:
    """Read the parameters that the first of some cells declares (or the cell at `tagged`)."""

    def read(*sources: str, tagged: int = 0) -> tuple[Parameter, ...]:
        return read_parameters(read_notebook(write_notebook(*sources, tagged=tagged)))

    return read
