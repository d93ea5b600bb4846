from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from nightbook.errors import NightbookError
from nightbook.records import RunStatus
from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher, StageState
from nightbook.workflow.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Listener(SilentWatcher):
    """Remembers what it was told to wait for."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.is_told = threading.Event()

    def waiting(self, reason: str) -> None:
        self.reasons.append(reason)
        self.is_told.set()


def test_nothing_to_do_makes_no_run(finished_project: Path) -> None:
    request = RunRequest(settings=load_settings(finished_project, environment={}), targets=("make",))
    result = run(request, SilentWatcher())
    assert result.status is RunStatus.SUCCEEDED
    assert (result.parent, result.runs) == (None, ())
    assert [stage.state for stage in result.stages] == [StageState.UP_TO_DATE]


def test_a_run_says_that_it_waits_for_another_and_then_goes_on(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    listener, results = Listener(), []
    with FileLock(settings.state / "run.lock"):
        assert run(RunRequest(settings=settings, targets=("make",)), listener).plan is not None  # up to date: no waiting
        request = RunRequest(settings=settings, targets=("make",), is_forced=True)
        thread = threading.Thread(target=lambda: results.append(run(request, listener)))
        thread.start()
        assert listener.is_told.wait(30)
        assert not results
    thread.join(140)
    assert "another nightbook run" in listener.reasons[0]
    assert results[0].status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("parameters", "kernel", "message"),
    [
        ('from nightbook import Input\nflights: Input = "../data/nowhere.parquet"', "python3", "nowhere.parquet"),
        ("rate: float = 0.1", "no-such-kernel", "no-such-kernel"),
        ('from nightbook import Secret\ntoken: Secret = "env:NO_SUCH"', "python3", "NO_SUCH"),
        ("rate: float", "python3", "rate"),
        ("alpha = 1\nbeta = alpha * 2", "python3", "beta"),
    ],
)
def test_what_cannot_run_is_refused_and_nothing_is_recorded(
    tmp_path: Path, new_notebook: Callable[..., Path], parameters: str, kernel: str, message: str
) -> None:
    path = new_notebook(tmp_path / "notebooks" / "load.ipynb", parameters)
    path.write_text(path.read_text().replace("python3", kernel))
    settings = load_settings(tmp_path, environment={})
    with pytest.raises(NightbookError, match=message):
        run(RunRequest(settings=settings), SilentWatcher())
    assert not settings.runs_folder.exists()
