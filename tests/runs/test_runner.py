"""How a runner is started. That it is forked from a supervisor is seen end to end: a test's own process has threads."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.census import RUNNER_MODULE
from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.request import EVENTS, JUPYTER, REQUEST, SOURCE, ExecutionRequest
from nightbook.runs.runner import start_runner, threads_environment
from nightbook.runs.warm.isolation import ONE_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def request_of(tmp_path: Path, new_notebook: Callable[..., Path]) -> Callable[..., ExecutionRequest]:
    """The request of a notebook of one cell."""

    def make(cell: str) -> ExecutionRequest:
        known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
        request = ExecutionRequest(
            **known,  # type: ignore[arg-type]  # of the fields' own types
            run_id=uuid.uuid4().hex,
            notebook="n.ipynb",
            kernel_name="python3",
            language="python",
            engine=JUPYTER,
        )
        shutil.move(new_notebook(tmp_path / "n.ipynb", "n: int = 1", cell), tmp_path / SOURCE)
        request.write(tmp_path / REQUEST)
        return request

    return make


def test_a_runner_executes_its_request_and_knows_its_run(
    request_of: Callable[..., ExecutionRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a supervisor that was started as a program.
    monkeypatch.delitem(sys.modules, RUNNER_MODULE, raising=False)
    request = request_of("import os\nopen('ran', 'w').write(os.environ['NIGHTBOOK_RUN_ID'])")
    runner = start_runner(request)
    assert runner.stdin is not None
    assert runner.stdout is not None
    with runner.stdin, runner.stdout:
        assert runner.wait() == 0, runner.stdout.read()
    assert (tmp_path / "ran").read_text() == request.run_id
    assert EventKind.ENDED in {event.kind for event in EventReader.all_of(tmp_path / EVENTS)}


def test_threads_are_as_asked_unless_somebody_has_said_it_before(
    request_of: Callable[..., ExecutionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    request = request_of("1")
    assert threads_environment(request) == {}
    two = dataclasses.replace(request, threads=2)
    assert threads_environment(two) == dict.fromkeys(ONE_THREAD, "2")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads_environment(two) == {}
