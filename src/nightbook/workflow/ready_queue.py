"""Which of many things can begin now: each change costs the same, however many wait."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ReadyQueue:
    """What waits for others, until all of them have ended well or one of them badly.

    Args:
        needs: For each name, in the order in which they begin, the names that it needs. Others than these are not
            waited for.
    """

    def __init__(self, needs: Mapping[str, Sequence[str]]) -> None:
        self._names = tuple(needs)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._missing = {name: {one for one in needed if one in needs} for name, needed in needs.items()}
        self._dependents: dict[str, list[str]] = {name: [] for name in needs}
        for name, needed in self._missing.items():
            for one in needed:
                self._dependents[one].append(name)
        # In ascending order, which is a heap.
        self._ready = [self._places[name] for name, needed in self._missing.items() if not needed]
        self._hopeless: deque[str] = deque()

    @property
    def hopeless(self) -> str | None:
        """The first that needs something which ended badly; it stays the first until it is settled itself."""
        return self._hopeless[0] if self._hopeless else None

    def pop(self) -> str | None:
        """Take out the first that has all that it needs."""
        return self._names[heapq.heappop(self._ready)] if self._ready else None

    def push(self, name: str) -> None:
        """Put back one that has all that it needs and has not begun after all."""
        heapq.heappush(self._ready, self._places[name])

    def settle(self, name: str, *, is_good: bool) -> None:
        """Say how one ended: those that wait for it become ready, or hopeless."""
        if self._hopeless and self._hopeless[0] == name:
            self._hopeless.popleft()
        for dependent in self._dependents[name]:
            missing = self._missing[dependent]
            if name not in missing:
                continue
            if is_good:
                missing.remove(name)
                if not missing:
                    self.push(dependent)
            else:
                missing.clear()
                self._hopeless.append(dependent)
