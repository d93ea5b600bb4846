from __future__ import annotations

import json
from typing import Any

from nightbook.reviews.difference import CellChange, diff_notebooks
from nightbook.reviews.noise import Noise
from nightbook.reviews.rules import EXACT, USUAL


def cell(name: str, source: str, *outputs: dict[str, Any], count: int = 1) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": name, "source": source, "metadata": {}, "outputs": list(outputs), "execution_count": count,
    }  # fmt: skip


def text(content: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": content}


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["ValueError: no"]}
BEFORE = {
    "cells": [
        cell("a", "import x"),
        cell("b", "fit()", text("loss 0.5\n<A at 0x7f11>")),
        cell("c", "plot()", text("drawn")),
        cell("d", "old()"),
        cell("e", "check()", text("fine")),
    ]
}
AFTER = {
    "cells": [
        cell("c", "plot()", text("drawn"), count=3),
        cell("a", "import x, y"),
        cell("b", "fit()", text("loss 0.25\n<A at 0x7f22>")),
        cell("n", "new()", text("hello")),
        cell("e", "check()", ERROR),
    ]
}


def test_each_cell_says_what_became_of_it() -> None:
    diff = diff_notebooks(BEFORE, AFTER, USUAL)
    assert [(one.cell.id, one.changes) for one in diff.cells] == [
        ("c", (CellChange.MOVED,)),
        ("d", (CellChange.REMOVED,)),
        ("a", (CellChange.SOURCE,)),
        ("b", (CellChange.OUTPUTS,)),
        ("n", (CellChange.ADDED,)),
        ("e", (CellChange.OUTPUTS,)),
    ]
    assert diff.noise == {Noise.ADDRESS: 1, Noise.EXECUTION_COUNT: 1}
    assert diff.cells[-1].errors == ("", "ValueError: no")


def test_the_document_is_strict_json() -> None:
    document = json.loads(json.dumps(diff_notebooks(BEFORE, AFTER, USUAL).to_json(), allow_nan=False))
    assert document["noise"] == {"address": 1, "execution count": 1}
    assert document["cell_count"] == 6
    changed = document["cells"][3]
    assert (changed["index_before"], changed["index_after"], changed["changes"]) == (1, 2, ["outputs changed"])
    assert changed["outputs"][0]["detail"]["lines"][0]["numbers"][0]["relative"] == -0.5


def test_a_notebook_does_not_differ_from_itself() -> None:
    diff = diff_notebooks(BEFORE, json.loads(json.dumps(BEFORE)), USUAL)
    assert (diff.changed, diff.noise, diff.close) == ((), {}, 0)


def test_noise_that_is_asked_for_is_a_change() -> None:
    diff = diff_notebooks(BEFORE, AFTER, EXACT)
    assert diff.noise == {}
    assert diff.cells[0].changes == (CellChange.MOVED, CellChange.EXECUTION_COUNT)
