"""Notebook clients of a sweep whose runs share cells: one executes these, the others go on behind them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, cast

from nightbook.runs.kernel_client import SupervisedClient
from nightbook.runs.shared_cells import own_values, repeat_shared_cells, shared_end


class TrunkClient(SupervisedClient):
    """Executes what the runs of a sweep have in common."""

    def execute_shared_cells(self) -> str:
        """Execute the shared cells, and have the kernel fork itself for the runs.

        Returns:
            Why that cannot be, empty when it is done; then the kernel stays.
        """
        sharing = self._journal.request.sharing
        assert sharing is not None  # noqa: S101 - the caller has one
        self._kept = ExitStack()
        self._begin(self._kept)
        if not self._execute_cells(0, shared_end(self.nb.cells, sharing)):
            return "a shared cell failed"
        return cast("Any", self.kc).become_trunk(sharing.seeded) or ""


class BranchClient(SupervisedClient):
    """Goes on behind the shared cells, in a kernel that has executed them."""

    def _first(self) -> int:
        """Take over what was executed for all runs of the sweep."""
        request = self._journal.request
        assert request.sharing is not None  # noqa: S101 - the kernel comes from there
        repeat_shared_cells(self.nb.cells, request.sharing, self._journal)
        self._execute_silently(own_values(self.nb.cells, request))
        return shared_end(self.nb.cells, request.sharing)
