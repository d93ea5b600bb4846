"""A notebook that ends itself in good order: `exit_early`, `sys.exit(0)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbclient.exceptions import CellExecutionError

GOOD_EXIT_CODES = frozenset({"", "0", "None", "False"})


def early_exit_reason(outputs: Sequence[Mapping[str, Any]], error: CellExecutionError | None) -> str | None:
    """Why a notebook ended itself in good order; None when it did not.

    Args:
        outputs: What the cell shows: in a cell that may raise, the exception stands only there.
        error: What the cell raised.
    """
    raised = [(str(error.ename), str(error.evalue))] if error is not None else []
    raised += [(one["ename"], one["evalue"]) for one in outputs if one["output_type"] == "error"]
    for ename, evalue in raised:
        if ename == "EarlyExit":
            return evalue
        if ename == "SystemExit" and evalue in GOOD_EXIT_CODES:
            return "sys.exit(0)"
    return None
