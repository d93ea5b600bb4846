from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.cells import ExecutedCell
from nightbook.reviews.matching import match_cells

LONG = "frame = read(path)\nframe = frame.dropna()\nprint(frame.describe())"
SOURCES = st.lists(st.sampled_from(["a = 1", "b = 2", LONG, LONG + "\nx", "", "c"]), max_size=8)


def cells(*sources: str, ids: str = "") -> list[ExecutedCell]:
    return [
        ExecutedCell(index=place, id=ids[place : place + 1], kind="code", source=source)
        for place, source in enumerate(sources)
    ]


def matched(before: list[ExecutedCell], after: list[ExecutedCell]) -> list[tuple[int | None, int | None, bool]]:
    return [
        (pair.before.index if pair.before else None, pair.after.index if pair.after else None, pair.is_moved)
        for pair in match_cells(before, after)
    ]


def test_an_id_holds_whatever_happened_to_the_source() -> None:
    assert matched(cells("one", "two", ids="ab"), cells("something else", "two", ids="ab")) == [
        (0, 0, False),
        (1, 1, False),
    ]


def test_ids_that_only_count_say_nothing() -> None:
    before = [ExecutedCell(index=place, id=f"cell-{place}", kind="code", source=one) for place, one in enumerate("abc")]
    after = [ExecutedCell(index=place, id=f"cell-{place}", kind="code", source=one) for place, one in enumerate("xabc")]
    assert matched(before, after) == [(None, 0, False), (0, 1, False), (1, 2, False), (2, 3, False)]


def test_without_ids_the_source_decides_then_how_alike_it_is() -> None:
    before, after = cells("a = 1", LONG, "b = 2"), cells("a = 1", "new()", LONG.replace("path", "file"), "b = 2")
    assert matched(before, after) == [(0, 0, False), (None, 1, False), (1, 2, False), (2, 3, False)]


def test_the_fewest_cells_possible_have_moved() -> None:
    assert matched(cells("a", "b", "c", "d"), cells("b", "c", "d", "a")) == [
        (1, 0, False),
        (2, 1, False),
        (3, 2, False),
        (0, 3, True),
    ]


def test_a_removed_cell_stays_behind_the_one_that_it_followed() -> None:
    assert matched(cells("x()", "a", "y()", "b"), cells("a", "b")) == [
        (0, None, False),
        (1, 0, False),
        (2, None, False),
        (3, 1, False),
    ]


def test_cells_of_another_kind_are_others() -> None:
    before = [ExecutedCell(index=0, id="a", kind="code", source="x")]
    after = [ExecutedCell(index=0, id="a", kind="markdown", source="x")]
    assert matched(before, after) == [(0, None, False), (None, 0, False)]


def test_an_id_that_stands_twice_says_nothing() -> None:
    assert matched(cells("a", "b", ids="zz"), cells("b", "a", ids="zz")) == [(1, 0, False), (0, 1, True)]


@given(SOURCES, SOURCES)
def test_every_cell_stands_in_one_pair(before: list[str], after: list[str]) -> None:
    pairs = matched(cells(*before), cells(*after))
    assert sorted(old for old, _, _ in pairs if old is not None) == list(range(len(before)))
    assert [new for _, new, _ in pairs if new is not None] == list(range(len(after)))
    assert all(old is not None or new is not None for old, new, _ in pairs)


@given(SOURCES)
def test_a_notebook_matches_itself(sources: list[str]) -> None:
    assert matched(cells(*sources), cells(*sources)) == [(place, place, False) for place in range(len(sources))]
