from __future__ import annotations

import pytest

from nightbook.notebooks.revealed import references_in


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (['nightbook.reveal("env:TOKEN")'], ("env:TOKEN",)),
        (['%matplotlib inline\nplace = "file:token.txt"', "reveal(place); reveal(place)"], ("file:token.txt",)),
        (['from nightbook import reveal\nboth = [reveal(r) for r in ("env:B", "env:A", "env:B")]'], ("env:B", "env:A")),
        (['print("env:TOKEN")'], ()),
        (["reveal(", 'reveal("env:" + name)', 'reveal(f"env:{name}")', 'reveal("hunter2")'], ()),
    ],
)
def test_references_that_the_code_mentions_are_found(cells: list[str], found: tuple[str, ...]) -> None:
    assert references_in(cells) == found
