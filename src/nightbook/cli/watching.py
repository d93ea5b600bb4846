"""A watcher that loads what draws only when there is something to draw."""

from __future__ import annotations

from contextlib import ExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from nightbook.pipelines.plan import Plan
    from nightbook.records import Run
    from nightbook.workflow.requests import StageView, Watcher


class LateWatcher:
    """Shows a run on the terminal; one that finds nothing to do never loads rich, which takes as long as all of it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._loaded: Watcher | None = None
        self._begun: Sequence[StageView] = ()

    def waiting(self, reason: str) -> None:
        """Say what must end first."""
        self._terminal().waiting(reason)

    def planned(self, plan: Plan) -> None:
        """Nothing yet: what runs starts before anything is drawn."""

    def begun(self, stages: Sequence[StageView]) -> None:
        """Keep it until there is something to show."""
        self._begun = stages

    def leads(self, name: str, run: Run, metric: str) -> None:
        """Say which set of a sweep is the best so far."""
        self._terminal().leads(name, run, metric)

    def update(self, stages: Sequence[StageView]) -> None:
        """Show how it stands."""
        self._terminal().update(stages)

    def publishing(self, reason: str) -> None:
        """Say what is still done."""
        self._terminal().publishing(reason)

    def _terminal(self) -> Watcher:
        if self._loaded is None:
            display = import_module("nightbook.cli.display")
            self._loaded = cast("Watcher", self._stack.enter_context(display.TerminalWatcher(display.stderr_console())))
        if self._begun:
            self._loaded.begun(self._begun)
            self._begun = ()
        return self._loaded

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, whatever happened."""
        self._stack.__exit__(kind, error, traceback)
