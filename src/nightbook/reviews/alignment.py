"""Which part of one sequence stands for which part of another: difflib's matching, bounded in time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_MOST_MATCHED = 2000
"""Above it difflib may take minutes, as its time grows with the square."""
_MOST_PAIRS = 100_000
"""Lines that are repeated this often say nothing about where they belong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of each sequence; one may be empty.

    Attributes:
        is_equal: They are the same, element by element.
        before: Where it stands in the first.
        after: Where it stands in the second.
    """

    is_equal: bool
    before: range
    after: range


def align(before: Sequence[Hashable], after: Sequence[Hashable]) -> tuple[Block, ...]:
    """Cut two sequences into blocks that are equal and blocks that are not, in order and without a gap."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    end_before, end_after = len(before) - tail, len(after) - tail
    blocks = [
        Block(is_equal=True, before=range(head), after=range(head)),
        *_middle(before, after, range(head, end_before), range(head, end_after)),
        Block(is_equal=True, before=range(end_before, len(before)), after=range(end_after, len(after))),
    ]
    return tuple(block for block in blocks if block.before or block.after)


def _middle(before: Sequence[Hashable], after: Sequence[Hashable], old: range, new: range) -> list[Block]:
    if max(len(old), len(new)) > _MOST_MATCHED:
        return _by_place(before, after, old, new)
    one, other = before[old.start : old.stop], after[new.start : new.stop]
    counts = Counter(other)
    is_repetitive = sum(counts[element] for element in one) > _MOST_PAIRS
    matcher = SequenceMatcher(None, one, other, autojunk=is_repetitive)
    return [
        Block(
            is_equal=tag == "equal",
            before=range(old.start + first, old.start + last),
            after=range(new.start + begin, new.start + end),
        )
        for tag, first, last, begin, end in matcher.get_opcodes()
    ]


def _by_place(before: Sequence[Hashable], after: Sequence[Hashable], old: range, new: range) -> list[Block]:
    """Long sequences mostly have a change in each line, not lines that moved."""
    both = min(len(old), len(new))
    blocks = [
        Block(
            is_equal=before[old[place]] == after[new[place]],
            before=old[place : place + 1],
            after=new[place : place + 1],
        )
        for place in range(both)
    ]
    return [*blocks, Block(is_equal=False, before=old[both:], after=new[both:])]


def _common(before: Sequence[Hashable], after: Sequence[Hashable]) -> int:
    """How many elements are the same from the start."""
    pairs = zip(before, after, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))
