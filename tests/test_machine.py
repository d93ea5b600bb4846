from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nightbook.machine import processors

if TYPE_CHECKING:
    import pytest


def test_only_processors_that_this_process_may_use_count() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert processors() == [min(allowed)]
    finally:
        os.sched_setaffinity(0, allowed)


def test_where_nobody_can_say_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(os, "sched_getaffinity")
    assert len(processors()) == os.cpu_count()
