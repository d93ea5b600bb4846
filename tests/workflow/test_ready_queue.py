from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from nightbook.workflow.ready_queue import ReadyQueue

if TYPE_CHECKING:
    from random import Random


def test_what_needs_nothing_comes_in_order_and_what_was_put_back_comes_first() -> None:
    queue = ReadyQueue({"a": (), "b": (), "c": ()})
    assert [queue.pop(), queue.pop()] == ["a", "b"]
    queue.push("a")
    assert [queue.pop(), queue.pop(), queue.pop()] == ["a", "c", None]


def test_a_set_is_finished_before_the_next_one_begins() -> None:
    queue = ReadyQueue({"make 1": (), "fit 1": ("make 1",), "make 2": (), "fit 2": ("make 2",)})
    assert queue.pop() == "make 1"
    queue.settle("make 1", is_good=True)
    assert queue.pop() == "fit 1"


def test_what_nobody_here_makes_is_not_waited_for() -> None:
    assert ReadyQueue({"a": ("elsewhere",)}).pop() == "a"


def test_who_needs_two_failures_is_hopeless_once() -> None:
    queue = ReadyQueue({"a": (), "b": (), "c": ("a", "b")})
    queue.settle("a", is_good=False)
    assert queue.hopeless == "c"
    queue.settle("c", is_good=False)
    queue.settle("b", is_good=False)
    assert queue.hopeless is None


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Each needs some of those before it."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    return {
        name: tuple(draw(st.sets(st.sampled_from(names[:place])))) if place else () for place, name in enumerate(names)
    }


@given(graphs(), st.sets(st.integers(0, 11)), st.randoms())
def test_everything_ends_and_only_what_has_all_that_it_needs_begins(
    needs: dict[str, tuple[str, ...]], failing: set[int], chance: Random
) -> None:
    queue = ReadyQueue(needs)
    ends: dict[str, bool] = {}
    going: list[str] = []
    while len(ends) < len(needs):
        while (hopeless := queue.hopeless) is not None:
            assert not all(ends.get(one, True) for one in needs[hopeless])
            ends[hopeless] = False
            queue.settle(hopeless, is_good=False)
        while (ready := queue.pop()) is not None:
            assert all(ends[one] for one in needs[ready])
            going.append(ready)
        if going:
            name = going.pop(chance.randrange(len(going)))
            ends[name] = int(name[1:]) not in failing
            queue.settle(name, is_good=ends[name])
    assert queue.hopeless is None
    assert queue.pop() is None
