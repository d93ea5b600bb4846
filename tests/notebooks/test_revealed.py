from __future__ import annotations

import pytest

from nightbook.notebooks.revealed import references_in


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (['nightbook.reveal("env:TOKEN")'], ("env:TOKEN",)),
        (
            ['%matplotlib inline\nreveal("file:token.txt")', 'reveal(reference="env:A"); reveal("file:token.txt")'],
            ("file:token.txt", "env:A"),
        ),
        (['# this reveals that\npd.read_csv("file:///data/flights.csv")', 'print("env:TOKEN"); reveal(token)'], ()),
        (["reveal(", 'reveal("env:" + name)', 'reveal(f"env:{name}")', 'reveal("hunter2")'], ()),
    ],
)
def test_references_that_the_code_mentions_are_found(cells: list[str], found: tuple[str, ...]) -> None:
    assert references_in(cells) == found
