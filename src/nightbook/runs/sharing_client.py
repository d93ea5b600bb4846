"""Notebook clients of a sweep whose runs share cells: one executes these, the others go on behind them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from nightbook.runs.interruption import Interruption
from nightbook.runs.kernel_client import SupervisedClient
from nightbook.runs.shared_cells import own_values, repeat_shared_cells, shared_end
from nightbook.runs.warm.frames import TRUNK

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from nightbook.runs.journal import Journal
    from nightbook.runs.shared_cells import TakenCells
    from nightbook.runs.warm.kernels import KernelEnds


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
        end_trunk = Interruption.signal_kernel
        self._begin(self._kept)
        # It has no keeper that would listen.
        Interruption.signal_kernel = end_trunk
        if not self._execute_cells(0, shared_end(self.nb.cells, sharing)):
            return "a shared cell failed"
        reason = cast("Any", self.kc).ask(TRUNK, {"seeded": sharing.seeded})
        return "it did not answer" if reason is None else str(reason)


class BranchClient(SupervisedClient):
    """Goes on behind the shared cells, in a kernel that has executed them.

    Args:
        nb: The prepared notebook.
        journal: Is told.
        kernel_name: The kernel's.
        forked: The kernel.
        taken: What it has executed; None for nothing.
    """

    def __init__(
        self,
        nb: NotebookNode,
        *,
        journal: Journal,
        kernel_name: str,
        forked: KernelEnds,
        taken: TakenCells | None = None,
    ) -> None:
        super().__init__(nb, journal=journal, kernel_name=kernel_name, forked=forked)
        self._taken = taken

    def _first(self) -> int:
        """Take over what was executed before."""
        if self._taken is None:
            return 0
        request = self._journal.request
        repeat_shared_cells(self.nb.cells, self._taken, self._journal)
        if request.sharing is not None:
            self._execute_silently(own_values(self.nb.cells, request))
        return self._taken.end
