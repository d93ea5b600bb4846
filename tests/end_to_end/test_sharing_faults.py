"""A sweep whose shared kernel dies, or whose command does, shows what one shows that shares nothing; nobody is left."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nightbook.runs.census import words_of
from nightbook.runs.warm.places import warm_folder

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Scene

CONTAINMENTS = ("pid_namespace", "process_tree")
PREPARES = "import random\nrandom.seed(1)\nprint('prepared', random.random())"
WAITS = "import os, time\nopen('at', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.02)"
WAITS_FOR_ITS_OWN = (
    "import os, time\nopen(f'at-{alpha}', 'w').close()\nwhile not os.path.exists(f'go-{alpha}'):\n    time.sleep(0.02)"
)
DRAWS = "print(alpha, random.random())\nalpha * 2"


def trunks(scene: Scene) -> list[psutil.Process]:
    """The kernels of this project that have executed, or execute, what sets share."""
    parents = {folder.name for folder in (scene.root / ".nightbook" / "runs").glob("*")}
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = words_of(process)
            if words[:2] == ["nightbook", "trunk"] and words[2] in parents and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def trunk_of(scene: Scene) -> psutil.Process:
    (found,) = scene.wait_until(lambda: trunks(scene), "the shared kernel")
    assert isinstance(found, psutil.Process)
    return found


def runners_of_trunks(scene: Scene) -> list[psutil.Process]:
    """The processes that have shared cells executed."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = " ".join(words_of(process))
            if "nightbook.runs.trunk_process" in line and str(scene.root) in line:
                found.append(process)
    return found


def sockets(scene: Scene) -> list[str]:
    """The sockets of this project's trunks."""
    parents = [folder.name for folder in (scene.root / ".nightbook" / "runs").glob("*")]
    found = [path.name for path in warm_folder(os.environ).glob("trunk-*.sock")]
    return [name for name in found if any(parent in name for parent in parents)]


def go(scene: Scene, *names: str) -> None:
    """Make the files that cells wait for."""
    for name in names:
        (scene.root / "notebooks" / name).touch()


def await_files(scene: Scene, *names: str) -> None:
    """Wait for the files by which cells say that they have come so far."""
    scene.wait_until(lambda: all((scene.root / "notebooks" / name).exists() for name in names), f"{names} to be there")


def by_alpha(output: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(output)["runs"]
    return sorted(records, key=lambda record: float(record["parameters"]["alpha"]))


def shown(scene: Scene, records: list[dict[str, Any]]) -> list[Any]:
    """How each run ended, and what each of its cells shows."""
    assert [record["status"] for record in records] == ["succeeded"] * len(records)
    return [
        [(cell.source, cell.execution_count, cell.outputs) for cell in scene.executed(record).cells]
        for record in records
    ]


def shared(records: list[dict[str, Any]]) -> list[bool]:
    """Which runs took cells over."""
    return [any(cell["shared"] for cell in record["cells"]) for record in records]


def assert_as_unshared(scene: Scene, records: list[dict[str, Any]], *sweep: str) -> None:
    """What the runs show is what they show in a sweep that shares nothing; of the sweep before nothing is left."""
    assert scene.survivors() == []
    assert sockets(scene) == []
    output, _ = scene.command(*sweep, "--force", "--no-share")
    assert shown(scene, records) == shown(scene, by_alpha(output))


def test_a_shared_kernel_that_dies_in_a_shared_cell_costs_no_set(scene: Scene) -> None:
    scene.stage("shares", PREPARES, WAITS, DRAWS, declares="alpha: float = 1.0")
    sweep = ("sweep", "shares", "--grid", "alpha=1,2.5", "--json")
    command = scene.start(*sweep)
    await_files(scene, "at")
    trunk_of(scene).kill()
    go(scene, "go")
    output, errors = command.communicate(timeout=scene.patience_seconds)
    assert command.returncode == 0, errors
    records = by_alpha(output)
    assert shared(records) == [False, False]
    assert_as_unshared(scene, records, *sweep)


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_a_shared_kernel_that_dies_between_the_sets_costs_none_of_those_to_come(scene: Scene, containment: str) -> None:
    scene.environment["NIGHTBOOK_CONTAINMENT"] = containment
    scene.stage("shares", PREPARES, WAITS_FOR_ITS_OWN, DRAWS, declares="alpha: int = 0")
    sweep = ("sweep", "shares", "--grid", "alpha=1,2,3,4,5,6", "-j", "2", "--json")
    go(scene, "go-1", "go-2")
    command = scene.start(*sweep)
    await_files(scene, "at-3", "at-4")
    trunk_of(scene).kill()
    go(scene, *(f"go-{alpha}" for alpha in range(3, 7)))
    output, errors = command.communicate(timeout=scene.patience_seconds)
    assert command.returncode == 0, errors
    records = by_alpha(output)
    # Those that were forked before it died go on.
    assert shared(records) == [True] * 4 + [False] * 2
    assert_as_unshared(scene, records, *sweep)


@pytest.mark.parametrize("killed", ["command", "command and trunk's runner"])
@pytest.mark.parametrize("moment", ["at", "at-1"])
def test_a_command_that_is_killed_leaves_no_shared_kernel_and_is_resumed(
    scene: Scene, moment: str, killed: str
) -> None:
    scene.stage("shares", PREPARES, WAITS, WAITS_FOR_ITS_OWN, DRAWS, declares="alpha: int = 0")
    sweep = ("sweep", "shares", "--grid", "alpha=1,2,3", "-j", "2", "--json")
    if moment != "at":
        go(scene, "go")
    command = scene.start(*sweep)
    await_files(scene, moment)
    trunk_of(scene)
    victims = scene.processes("command")
    if killed != "command":
        victims += runners_of_trunks(scene)
    for process in victims:
        process.kill()
    command.kill()
    scene.wait_until(lambda: not scene.survivors(), "the end of all that was at work")
    if killed == "command":
        # Where nobody is left to remove it, the next command does.
        assert sockets(scene) == []
    go(scene, "go", "go-1", "go-2", "go-3")
    output, _ = scene.command("resume", "latest", "--json")
    records = by_alpha(output)
    assert shared(records) == [True] * 3
    assert_as_unshared(scene, records, *sweep)
