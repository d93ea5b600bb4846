"""Whoever is killed, at whatever moment: one true end for each run, nobody is left, and what is owed can be had."""

from __future__ import annotations

import json
import random
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.runs.census import words_of
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tests.end_to_end.conftest import WarmScene

    from nightbook.records import Run

KINDS = ("kernel", "runner", "publisher")
# How a run may end one of whose processes was killed; or it succeeds, when that came too late.
ENDS = {
    "kernel": {("failed", "kernel_died")},
    "keeper": {("failed", "kernel_died")},
    "runner": {("failed", "interrupted")},
    "supervisor": {("lost", "lost")},
    # One whose supervisor had not begun is nobody's.
    "client": {("cancelled", "interrupted"), ("lost", "lost")},
    "command": {("cancelled", "interrupted"), ("lost", "lost")},
}
INNER = ("kernel", "keeper", "runner", "supervisor")
SUCCESS = ("succeeded", None)
CELLS = (
    "import subprocess\nsubprocess.Popen(['sleep', '600.25'])\nsubprocess.Popen(['sleep', '600.25'], start_new_session=True)",
    "import time\ntime.sleep(0.2)",
    "print('done')",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A warm parent and what it holds when it has nothing to do."""

    process: psutil.Process
    threads: int
    descriptors: int

    @classmethod
    def of(cls, scene: WarmScene, kind: str) -> Parent:
        process = scene.parent(kind)
        scene.wait_until(lambda: not process.children(), "the parent to reap its forks")
        return cls(process=process, threads=scene.threads(process), descriptors=process.num_fds())


def write_stages(scene: WarmScene, number: int) -> None:
    for one in range(number):
        scene.stage(f"stage-{one}", *CELLS)


def victims(scene: WarmScene, part: str) -> list[tuple[psutil.Process, str]]:
    """Processes of a part, each with its run."""
    found, runs = [], scene.run_ids()
    for process in scene.processes(part):
        with suppress(psutil.Error):
            above, words = process.parent(), words_of(process)
            # A fork bears the title of whom it was forked from until it has its own.
            is_fresh = above is not None and words_of(above) == words
            found += [(process, run) for run in runs if run in " ".join(words) and not is_fresh]
    return found


def kill_at(client: subprocess.Popen[str], moments: Mapping[float, Callable[[], bool]]) -> None:
    """Do what is planned at each moment, or as soon after it as it can be done."""
    began, left = time.monotonic(), dict(moments)
    while left and client.poll() is None:
        now = time.monotonic() - began
        left = {moment: kill for moment, kill in left.items() if moment > now or not kill()}
        with suppress(subprocess.TimeoutExpired):
            client.wait(0.005)


def all_runs(scene: WarmScene) -> list[Run]:
    with open_ledger(load_settings(scene.root, environment=scene.environment)) as ledger:
        return list(ledger.runs(limit=500))


def end_of(run: Run) -> tuple[str, str | None]:
    return run.status.value, run.cause.value if run.cause else None


def assert_true_ends(scene: WarmScene, killed: Mapping[str, str], known: Collection[str]) -> None:
    """Each new run has one end, which is true of whoever of it was killed; its notebook tells the same."""
    runs = [run for run in all_runs(scene) if run.run_id not in known]
    for run in runs:
        allowed = ENDS[killed[run.run_id]] | {SUCCESS} if run.run_id in killed else {SUCCESS}
        assert run.stage is None or end_of(run) in allowed, (killed.get(run.run_id), run.message)
        assert run.status.is_final
        if (scene.folder(run) / "executed.ipynb").exists():
            told = scene.executed(run).metadata["nightbook"]
            assert (told["status"], told["cause"]) == end_of(run)
    # Nobody came later and saw it otherwise.
    assert [run for run in all_runs(scene) if run.run_id not in known] == runs


def assert_that_what_is_owed_can_be_had(scene: WarmScene) -> None:
    scene.command(*(("resume", "latest") if all_runs(scene) else ("run",)))
    assert {end_of(run) for run in scene.contact().values()} == {SUCCESS}
    scene.wait_until(lambda: not scene.survivors(), "everybody to end")


class Killer:
    """Kills one process of each part, each of another run.

    Args:
        scene: Where they are.
        chance: Chooses among several.
    """

    def __init__(self, scene: WarmScene, chance: random.Random) -> None:
        self._scene = scene
        self._chance = chance
        self.killed: dict[str, str] = {}

    def kill(self, part: str) -> bool:
        found = [(process, run) for process, run in victims(self._scene, part) if run not in self.killed]
        if found:
            process, run = self._chance.choice(found)
            self.killed[run] = part
            with suppress(psutil.Error):
                process.kill()
        return bool(found)


def kill_one_of_each(scene: WarmScene, chance: random.Random, usual_seconds: float) -> None:
    """Of four runs that go on at once each loses one of its processes."""
    known = {run.run_id for run in all_runs(scene)}
    killer = Killer(scene, chance)
    client = scene.start("run", "--json", "--force", "-j", "4")
    kill_at(client, {chance.uniform(0, usual_seconds): partial(killer.kill, part) for part in INNER})
    output, errors = client.communicate(timeout=scene.patience_seconds)
    assert len(json.loads(output)["runs"]) == len(INNER), errors
    scene.wait_until(lambda: not scene.survivors(), "everybody to end")
    assert_true_ends(scene, killer.killed, known)


def kill_who_asked(scene: WarmScene, chance: random.Random, usual_seconds: float, part: str = "client") -> None:
    """The command that was typed is killed, or the process that carries it out."""
    known = {run.run_id for run in all_runs(scene)} if (scene.root / ".nightbook").exists() else set()
    client = scene.start("run", "--json", "--force", "-j", "4")

    def kill() -> bool:
        found = [psutil.Process(client.pid)] if part == "client" else scene.processes(part)
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        return bool(found)

    kill_at(client, {chance.uniform(0, usual_seconds): kill})
    client.communicate(timeout=scene.patience_seconds)
    scene.wait_until(lambda: not scene.survivors(), "everybody to end")
    assert_true_ends(scene, dict.fromkeys(scene.run_ids() - known, part), known)


def usual_seconds(scene: WarmScene) -> float:
    """How long a run takes on this machine today, once everything is warm."""
    scene.run()
    began = time.monotonic()
    scene.run("--force", "-j", "4")
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("containment", ["pid_namespace", "process_tree"])
def test_whoever_is_killed_at_any_moment_the_end_is_true_and_the_parents_are_as_before(
    warm_scene: WarmScene, containment: str
) -> None:
    scene, chance = warm_scene, random.Random(7)
    scene.environment["NIGHTBOOK_CONTAINMENT"] = containment
    write_stages(scene, len(INNER))
    usual = usual_seconds(scene)
    parents = {kind: Parent.of(scene, kind) for kind in KINDS}
    for _ in range(2):
        kill_one_of_each(scene, chance, usual)
    assert_that_what_is_owed_can_be_had(scene)
    for part in ("client", "command"):
        kill_who_asked(scene, chance, usual, part)
    assert_that_what_is_owed_can_be_had(scene)
    assert {kind: Parent.of(scene, kind) for kind in KINDS} == parents


@pytest.mark.slow
def test_whoever_is_killed_while_the_parents_are_still_loading_the_end_is_true(warm_scene: WarmScene) -> None:
    scene, chance = warm_scene, random.Random(11)
    write_stages(scene, len(INNER))
    began = time.monotonic()
    scene.run("-j", "4")
    usual = time.monotonic() - began
    for disturb in (kill_one_of_each, kill_who_asked):
        parents = scene.parents()
        for parent in parents:
            parent.kill()
        scene.wait_until(partial(scene.has_ended, *(parent.pid for parent in parents)), "the parents to end")
        disturb(scene, chance, usual)
    assert_that_what_is_owed_can_be_had(scene)
    assert [Parent.of(scene, kind).threads for kind in KINDS] == [1, 1, 1]
