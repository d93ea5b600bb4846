from __future__ import annotations

import os
import shutil
import signal
import uuid
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, is_running, silent_parent, until

from nightbook.runs.census import RUNNER_MODULE
from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.request import EVENTS, FORK, JUPYTER, NO_WARM_PARENT, REQUEST, SOURCE, ExecutionRequest
from nightbook.runs.runner import ForkedRunner, Runner, start_runner
from nightbook.runs.warm.asking import ensure_parent
from nightbook.runs.warm.kernels import parents_environment
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start(tmp_path: Path, new_notebook: Callable[..., Path]) -> Iterator[Callable[..., Runner]]:
    """Starts the runner of a notebook of one cell."""
    import_module(RUNNER_MODULE)
    runners: list[Runner] = []

    def started(cell: str, engine: str = FORK) -> Runner:
        known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
        request = ExecutionRequest(
            **known,  # type: ignore[arg-type]  # of the fields' own types
            run_id=uuid.uuid4().hex,
            notebook="n.ipynb",
            kernel_name="python3",
            language="python",
            engine=engine,
        )
        shutil.move(new_notebook(tmp_path / "n.ipynb", "n: int = 1", cell), tmp_path / SOURCE)
        request.write(tmp_path / REQUEST)
        runners.append(start_runner(request))
        return runners[-1]

    yield started
    for runner in runners:
        runner.kill()
        runner.wait()
        for stream in (runner.stdin, runner.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture
def kernels(shared_warm: WarmFolder, tmp_path: Path) -> None:
    """A warm parent of kernels, for runners that start none."""
    ensure_parent(place_of(KERNEL, os.environ, root=str(tmp_path)), parents_environment(os.environ))


def told(folder: Path) -> dict[EventKind, dict[str, object]]:
    return {event.kind: dict(event.fields) for event in EventReader(folder / EVENTS).read()}


def test_a_forked_runner_that_finds_no_parent_says_so_and_has_executed_nothing(
    warm: WarmFolder, start: Callable[..., Runner], tmp_path: Path
) -> None:
    runner = start("open('ran', 'w').close()")
    assert isinstance(runner, ForkedRunner)
    assert runner.wait() == runner.poll() == NO_WARM_PARENT
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("engine", [FORK, JUPYTER])
def test_a_runner_executes_whichever_way_it_was_started(
    start: Callable[..., Runner], tmp_path: Path, engine: str
) -> None:
    runner = start("import os\nopen('ran', 'w').write(os.environ['NIGHTBOOK_RUN_ID'])", engine)
    assert isinstance(runner, ForkedRunner) is (engine == FORK)
    assert runner.wait() == 0
    assert (tmp_path / "ran").read_text() == ExecutionRequest.read(tmp_path / REQUEST).run_id
    assert EventKind.ENDED in told(tmp_path)


@pytest.mark.usefixtures("kernels")
def test_a_forked_runner_that_is_killed_takes_its_kernel_along(start: Callable[..., Runner], tmp_path: Path) -> None:
    runner = start("open('ran', 'w').close()\nimport time; time.sleep(600)")
    until((tmp_path / "ran").exists)
    assert runner.poll() is None
    keeper = int(str(told(tmp_path)[EventKind.KERNEL_STARTED]["pid"]))
    runner.kill()
    assert runner.wait() == runner.poll() == -signal.SIGKILL
    runner.kill()  # once more, to no effect
    until(lambda: not is_running(keeper))


@pytest.mark.usefixtures("kernels")
def test_a_forked_runner_is_interrupted_by_its_standard_input(start: Callable[..., Runner], tmp_path: Path) -> None:
    runner = start("open('ran', 'w').close()\nimport time; time.sleep(600)")
    until((tmp_path / "ran").exists)
    assert runner.stdin is not None
    runner.stdin.write(b"interrupt\n")
    until(lambda: "KeyboardInterrupt" in (tmp_path / EVENTS).read_text())


def test_a_forked_runner_ends_with_its_supervisor(
    warm: WarmFolder, start: Callable[..., Runner], tmp_path: Path
) -> None:
    # A parent that never answers, so that the runner waits.
    place = place_of(KERNEL, os.environ, root=str(tmp_path))
    with silent_parent(place):
        said, says = os.pipe()
        supervisor = os.fork()
        if not supervisor:
            os.write(says, str(start("pass").pid).encode())
            signal.pause()
        runner = int(os.read(said, 20))
        assert is_running(runner)
        os.kill(supervisor, signal.SIGKILL)
        os.waitpid(supervisor, 0)
        until(lambda: not is_running(runner))
    os.close(said)
    os.close(says)
