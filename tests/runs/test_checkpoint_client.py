"""The client is seen at work end to end, in `tests/end_to_end/test_checkpoints.py`."""

from __future__ import annotations

from nightbook.runs.checkpoint_client import CheckpointingClient
from nightbook.runs.sharing_client import BranchClient


def test_it_is_a_client_that_may_itself_go_on_from_a_checkpoint() -> None:
    assert issubclass(CheckpointingClient, BranchClient)
