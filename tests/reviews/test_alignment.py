from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.alignment import Block, align

WORDS = st.lists(st.sampled_from("abcde"), max_size=30)


@given(WORDS, WORDS)
def test_the_blocks_are_both_sequences(before: list[str], after: list[str]) -> None:
    blocks = align(before, after)
    assert [place for block in blocks for place in block.before] == list(range(len(before)))
    assert [place for block in blocks for place in block.after] == list(range(len(after)))
    for block in blocks:
        if block.is_equal:
            assert [before[place] for place in block.before] == [after[place] for place in block.after]


@given(WORDS)
def test_equal_sequences_are_one_block(words: list[str]) -> None:
    assert all(block.is_equal for block in align(words, words))


def test_what_was_put_in_is_found() -> None:
    assert align("abcd", "abxcd")[1] == Block(is_equal=False, before=range(2, 2), after=range(2, 3))


def test_long_sequences_are_compared_place_by_place() -> None:
    before = [f"old {number}" for number in range(5000)]
    after = [*(f"new {number}" for number in range(4000)), before[4000], *before[:2000]]
    blocks = align(before, after)
    assert [block.before for block in blocks if block.is_equal] == [range(4000, 4001)]
    assert blocks[-1].after == range(5000, 6001)


def test_lines_that_are_repeated_do_not_keep_one_waiting() -> None:
    before = ["same"] * 1500 + [f"a {number}" for number in range(400)]
    blocks = align(before, ["same", "other"] * 900)
    assert sum(len(block.before) for block in blocks) == len(before)
