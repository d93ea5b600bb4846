"""Who waits in a cell while others are killed around it goes on as if nothing had happened."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.end_to_end.conftest import WarmScene

WAIT = "import os, time\nopen(f'waiting-{n}', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"


@pytest.fixture
def other_scene(warm_scene: WarmScene, tmp_path: Path) -> WarmScene:
    """Another project, whose commands share the parents."""
    return type(warm_scene)(tmp_path / "other", warm_folder=warm_scene.warm_folder)


def start_waiting(scene: WarmScene, *numbers: int) -> subprocess.Popen[str]:
    """A command whose stages have come to the cell in which they wait."""
    for number in numbers:
        scene.stage(f"waits-{number}", f"n = {number}", WAIT, "print('went on')")
    client = scene.start("run", "--json", "-j", str(len(numbers)))
    places = [scene.root / "notebooks" / f"waiting-{number}" for number in numbers]
    scene.wait_until(lambda: all(place.exists() for place in places), "all cells to start")
    return client


def ends(scene: WarmScene, client: subprocess.Popen[str]) -> dict[str, Any]:
    """How the stages end when they may go on."""
    (scene.root / "notebooks" / "go").touch()
    output, errors = client.communicate(timeout=scene.patience_seconds)
    assert output, errors
    return {record["stage"]: (record["status"], record["cause"]) for record in json.loads(output)["runs"]}


def state_of_parents(scene: WarmScene) -> dict[int, int]:
    """How many descriptors each holds when it has no forks left."""
    parents = scene.parents()
    # A parent that a command has started is a child of the command's own.
    scene.wait_until(
        lambda: {fork for one in parents for fork in one.children()} <= set(parents), "the parents to reap their forks"
    )
    return {one.pid: one.num_fds() for one in parents}


@pytest.mark.slow
@pytest.mark.parametrize("containment", ["pid_namespace", "process_tree"])
def test_a_killed_kernel_and_a_killed_client_leave_those_that_wait_beside_them_alone(
    warm_scene: WarmScene, other_scene: WarmScene, containment: str
) -> None:
    for scene in (warm_scene, other_scene):
        scene.environment["NIGHTBOOK_CONTAINMENT"] = containment
        scene.stage("warms", "1")
        scene.run()
        (scene.root / "notebooks" / "warms.ipynb").unlink()
    parents = state_of_parents(warm_scene)
    assert len(parents) == 4  # that of the kernels is each project's own
    others = start_waiting(other_scene, 0)
    client = start_waiting(warm_scene, 0, 1)
    doomed = warm_scene.notebook("doomed/doomed", "n = 2", WAIT)
    killed = warm_scene.start("run", str(doomed))
    warm_scene.wait_until((warm_scene.root / "doomed" / "waiting-2").exists, "its cell to start")

    (kernel,) = warm_scene.processes("kernel", warm_scene.recorded()["waits-1"])
    kernel.kill()
    killed.send_signal(signal.SIGKILL)
    warm_scene.wait_until(lambda: warm_scene.contact()["doomed"].status.is_final, "the client's run to end")

    assert ends(other_scene, others) == {"waits-0": ("succeeded", None)}
    assert ends(warm_scene, client) == {"waits-0": ("succeeded", None), "waits-1": ("failed", "kernel_died")}
    assert warm_scene.contact()["doomed"].cause == "interrupted"
    warm_scene.wait_until(lambda: not warm_scene.survivors() + other_scene.survivors(), "everybody to end")
    assert state_of_parents(warm_scene) == parents
