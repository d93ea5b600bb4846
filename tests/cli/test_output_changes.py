from __future__ import annotations

import base64
from io import BytesIO, StringIO
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from nightbook.cli.output_changes import show_outputs
from nightbook.reviews import rules as limits
from nightbook.reviews.difference import diff_notebooks
from nightbook.reviews.rules import EXACT, USUAL, DiffRules
from nightbook.workflow.differing import OutputsDiff


def picture(colour: str, height: int = 10) -> str:
    target = BytesIO()
    Image.new("RGB", (10, height), colour).save(target, format="PNG")
    return base64.b64encode(target.getvalue()).decode()


def display(mime: str, content: object) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {mime: content}}


def notebook(*outputs: dict[str, Any], source: str = "x", count: int = 1) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "source": source, "outputs": list(outputs), "execution_count": count}
    return {"cells": [cell]}


def said(before: dict[str, Any], after: dict[str, Any], rules: DiffRules = USUAL) -> list[str]:
    console = Console(file=StringIO(), width=100)
    show_outputs(console, OutputsDiff(stage="fit", notebook=diff_notebooks(before, after, rules)))
    assert isinstance(console.file, StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_run_without_a_notebook_says_so() -> None:
    console = Console(file=StringIO(), width=100)
    show_outputs(console, OutputsDiff(stage="fit", missing="fit #6 has no executed notebook yet"))
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == "outputs of fit: not compared, as fit #6 has no executed notebook yet\n"


@pytest.mark.parametrize(
    ("mime", "before", "after", "lines"),
    [
        ("image/png", picture("red"), picture("blue"), ["image/png: 100% of the pixels differ (10 × 10)"]),
        ("image/png", picture("red"), picture("red", 20), ["image/png: 50% of the pixels differ (10 × 10 → 10 × 20)"]),
        ("application/pdf", "JVBE", "JVBERi0y", ["application/pdf: 4 B"]),
        ("application/json", {"a": [1, 2]}, {"a": [1], "b": "\x1b[31mred"}, ["application/json:", "a[1]: 2 → (none)", "b: (none) → red"]),
        (
            "text/html",
            "<table><tr><th>x</th><th>y</th></tr><tr><td>1</td><td>old</td></tr></table> 1 row",
            "<table><tr><th>x</th><th>z</th></tr><tr><td>2</td><td>new</td></tr><tr><td>3</td><td>new</td></tr></table> 2 rows",
            ["table:", "+ row 2: 3 new", "- column y", "+ column z", "row column before after change", "1 x 1 2 +1, +100%", "- 1 row", "+ 2 rows"],
        ),
    ],
    ids=["image", "sizes", "bytes", "json", "table"],
)  # fmt: skip
def test_each_kind_has_its_words(mime: str, before: object, after: object, lines: list[str]) -> None:
    found = said(notebook(display(mime, before)), notebook(display(mime, after)))
    assert found[:2] == ["outputs of fit: 1 of 1 cell differs", "cell 0"]
    assert [line[: len(lines[place])] for place, line in enumerate(found[2:])] == lines


def test_an_error_is_told_against_a_success() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no\nmore", "traceback": ["ValueError: no"]}
    assert said(notebook(), notebook(error))[1:] == ["cell 0: now fails with ValueError: no more"]
    assert said(notebook(error), notebook())[1:] == ["cell 0: no longer fails with ValueError: no more"]


def test_of_many_changes_the_first_are_shown() -> None:
    before, after = (
        {"output_type": "stream", "name": "stdout", "text": f"{word}\n" * 50 + "z" * 400 + word} for word in "ab"
    )
    lines = said(notebook(before), notebook(after))
    assert sum(line in {"- a", "- b", "+ b"} for line in lines) in {20, 40}
    assert any(line.startswith("… and ") and line.endswith(" more; --json has them") for line in lines)


def test_what_is_too_large_names_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_COMPARED_BYTES", 3)
    lines = said(notebook(display("text/plain", "abcdef")), notebook(display("text/plain", "abcdeg")))
    assert lines[-1].startswith("text/plain: 6 B ")
    assert lines[-1].endswith("; --thorough compares them")


def test_a_changed_source_alone_is_no_changed_output() -> None:
    assert said(notebook(), notebook(source="y")) == ["outputs of fit: the same"]


def test_cells_that_came_and_went_are_named() -> None:
    lines = said({"cells": []}, notebook(display("text/plain", "a")))
    assert lines[1:] == ["cell 0: added, with 1 output"]
    assert said(notebook(), {"cells": []})[1:] == ["cell 0 of the first run: removed"]
    assert said(notebook(count=1), notebook(count=2), EXACT)[1:] == ["cell 0: execution count 1 → 2"]
