from __future__ import annotations

from nightbook.plugins.executors import Executor


def test_an_executor_has_no_more_than_five_methods() -> None:
    assert len([name for name in vars(Executor) if not name.startswith("_")]) == 5
