"""Both clients are seen at work end to end, in `tests/end_to_end/test_sharing.py`."""

from __future__ import annotations

from nightbook.runs.kernel_client import SupervisedClient
from nightbook.runs.sharing_client import BranchClient, TrunkClient


def test_they_are_clients_as_any_other_run_has() -> None:
    assert issubclass(TrunkClient, SupervisedClient)
    assert issubclass(BranchClient, SupervisedClient)
