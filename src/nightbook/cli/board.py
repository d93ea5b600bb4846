"""How all that is carried out stands, kept change by change: a look at it costs the same however much there is."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.workflow.requests import StageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nightbook.records import Run
    from nightbook.workflow.requests import StageView

WINDOW_SECONDS = 60.0
LEAST_ENDS = 10
MOST_FAILURES = 5
_EXECUTED = frozenset({StageState.SUCCEEDED, StageState.FAILED})


class Pace:
    """How many runs end in a minute: in the last one, or, where runs are long, as the last few did.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._ends: deque[float] = deque()

    def end(self) -> None:
        """One has ended now."""
        self._ends.append(self._clock())

    @property
    def per_minute(self) -> float | None:
        """Runs a minute; None before any has ended."""
        now = self._clock()
        while len(self._ends) > LEAST_ENDS and self._ends[0] < now - WINDOW_SECONDS:
            self._since = self._ends.popleft()
        span = now - self._since
        return len(self._ends) / span * 60 if self._ends and span > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The best set of a sweep so far, by its objective."""

    name: str
    run: Run
    metric: str


class Board:
    """What a terminal shows of a pipeline or a sweep.

    Args:
        clock: Seconds that only grow.

    Attributes:
        stages: All of them, in order.
        running: Those that run, the oldest first.
        counts: How many are in each state.
        failures: The newest of them, the last one last.
        leader: The best set so far; None without an objective, or before one has succeeded.
        longest_name: How many characters it has.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin(())

    def begin(self, stages: Iterable[StageView]) -> None:
        """Forget what was; these are to be carried out."""
        self._began = self._clock()
        self._pace = Pace(self._clock)
        self.stages: dict[str, StageView] = {}
        self.running: dict[str, StageView] = {}
        self.counts: Counter[StageState] = Counter()
        self.failures: deque[StageView] = deque(maxlen=MOST_FAILURES)
        self.leader: Leader | None = None
        for stage in stages:
            self.stages[stage.name] = stage
            self.counts[stage.state] += 1
        self.longest_name = max(map(len, self.stages), default=0)

    def take(self, stages: Sequence[StageView]) -> list[StageView]:
        """Take over how some of them stand now; returns those whose state is another than before."""
        return [stage for stage in stages if self._take(stage)]

    def _take(self, stage: StageView) -> bool:
        before = self.stages.get(stage.name)
        self.stages[stage.name] = stage
        if stage.state is StageState.RUNNING:
            self.running[stage.name] = stage
        else:
            self.running.pop(stage.name, None)
        if before is not None and before.state is stage.state:
            return False
        if before is not None:
            self.counts[before.state] -= 1
        self.counts[stage.state] += 1
        if stage.state in _EXECUTED:
            self._pace.end()
        if stage.state is StageState.FAILED:
            self.failures.append(stage)
        return True

    @property
    def settled(self) -> int:
        """How many have come to their end."""
        return sum(count for state, count in self.counts.items() if state.is_settled)

    @property
    def is_over(self) -> bool:
        """All have."""
        return self.settled == len(self.stages)

    @property
    def elapsed_seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._began

    @property
    def per_minute(self) -> float | None:
        """How many runs ended in the last minute; None before any did."""
        return self._pace.per_minute

    @property
    def seconds_left(self) -> float | None:
        """Until all have ended, should they go on as in the last minute; None where nobody can say."""
        rate = self.per_minute
        return (len(self.stages) - self.settled) / rate * 60 if rate else None
