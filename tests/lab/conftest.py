"""A small project whose stage has a parameter of every type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PARAMETERS = """\
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Optional
import os
from nightbook import Input, Output, Range, Secret

result: Output = "../data/result.txt"  # what it leaves
month: Annotated[int, Range(1, 12)] = 6  # calendar month
rate: Annotated[float, Range(0.01, 0.5)] = 0.1  # how fast
count: int = 3
learner: Literal["ridge", "boosting"] = "boosting"  # which one
fast: bool = False
day: date = date(2026, 1, 31)
moment: datetime = datetime(2026, 1, 31, 12, 0)
place: Path = Path("a/b")
price: Decimal = Decimal("1.10")
limit: Optional[int] = None
names: list[str] = ["a", "b"]
anything: Any = None
token: Secret = "env:LAB_TOKEN"
home: str = os.environ.get("HOME", "")
behaviour: Literal["work", "fail", "sleep"] = "work"
"""
CELLS = (
    "import time, nightbook\nprint('working on month', month)",
    "if behaviour == 'sleep':\n    time.sleep(600)\nassert behaviour != 'fail', 'asked to fail'",
    "nightbook.log_metric('score', month / 4, better='higher')",
    "open(result, 'w').write(str(month))",
)


def write_notebook(path: Path, parameters: str, *cells: str) -> Path:
    """Write a notebook whose first cell declares its parameters."""
    tagged = [(parameters, ["parameters"])] if parameters else []
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {"cell_type": "code", "id": f"cell-{number}", "source": source, "metadata": {"tags": tags}}
            | {"outputs": [], "execution_count": None}
            for number, (source, tags) in enumerate([*tagged, *((cell, []) for cell in cells)])
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def lab_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stage, `study`; the working directory is its folder of notebooks, as in JupyterLab."""
    root = tmp_path / "lab"
    write_notebook(root / "notebooks" / "study.ipynb", PARAMETERS, *CELLS)
    (root / "nightbook.toml").write_text("", encoding="utf-8")
    monkeypatch.chdir(root / "notebooks")
    monkeypatch.setenv("LAB_TOKEN", "not-shown-anywhere")
    return root
