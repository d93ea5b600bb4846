from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.warmth import is_running, until

from nightbook.runs.publisher import Publisher
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_closing_waits_until_all_is_published(project_copy: Path) -> None:
    with Publisher(load_settings(project_copy, environment={})) as publisher:
        assert publisher.close() == ""
    until(lambda: not is_running(publisher.pid))


def test_a_killed_publisher_leaves_a_debt_and_no_error(project_copy: Path) -> None:
    with Publisher(load_settings(project_copy, environment={})) as publisher:
        os.kill(publisher.pid, signal.SIGKILL)
        publisher.changed("a run")
        assert "ended early" in publisher.close()


def test_an_error_of_the_caller_leaves_no_process_behind(project_copy: Path) -> None:
    publisher = Publisher(load_settings(project_copy, environment={}))
    with pytest.raises(ZeroDivisionError), publisher:
        raise ZeroDivisionError
    until(lambda: not is_running(publisher.pid))
