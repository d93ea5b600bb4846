"""Warm parents are killed, outdated, shared and asked for much: no run is lost, none is judged wrongly, nobody is left."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.end_to_end.conftest import WarmScene

KINDS = ("kernel", "runner", "publisher")
WAIT = "import os, time\nopen(f'waiting-{n}', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"
TELL = """
import json, os, resource
files, cores = resource.getrlimit(resource.RLIMIT_NOFILE), sorted(os.sched_getaffinity(0))
print(json.dumps([os.getpriority(os.PRIO_PROCESS, 0), cores, files, resource.getrlimit(resource.RLIMIT_CORE)[0]]))
"""
ENGINES = [[("fork", "")], [("jupyter", "no warm process could be had")]]


def warm(scene: WarmScene) -> dict[str, psutil.Process]:
    """The parents, once a run has had all of them started."""
    path = scene.stage("warms", "1")
    scene.run()
    path.unlink()
    return {kind: scene.parent(kind) for kind in KINDS}


def assert_true_records(scene: WarmScene, records: Iterable[dict[str, object]], number: int) -> None:
    """Each run succeeded, once, on either engine, and left what a run leaves."""
    records = list(records)
    assert [record["status"] for record in records] == ["succeeded"] * number, records
    for record in records:
        engines = scene.engines(record)
        assert engines in ENGINES
        assert (scene.folder(record) / "report.html").exists()
        scene.executed(record)
    settings = load_settings(scene.root, environment=scene.environment)
    with open_ledger(settings) as ledger:
        assert {run.status.value for run in ledger.runs(limit=500)} == {"succeeded"}


def has_no_children(parent: psutil.Process) -> bool:
    return not parent.children()


def kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def test_a_parent_that_was_killed_before_a_run_costs_it_nothing_and_is_followed_by_another(
    warm_scene: WarmScene,
) -> None:
    parents = warm(warm_scene)
    for kind in KINDS:
        kill([parents[kind]])
        warm_scene.stage(f"after-{kind}", f"print({kind!r})")
        records = warm_scene.run()
        assert_true_records(warm_scene, records, 1)
        assert warm_scene.parent(kind) != parents[kind]
    (record,) = warm_scene.run("after-kernel", "--force")
    assert warm_scene.engines(record) == [("fork", "")]
    assert warm_scene.survivors() == []


def test_parents_that_are_killed_while_runs_go_on_cost_them_nothing(warm_scene: WarmScene) -> None:
    parents = warm(warm_scene)
    for number in range(3):
        warm_scene.stage(f"wait-{number}", f"n = {number}", WAIT, "print('went on')")
    client = warm_scene.start("run", "--json", "-j", "3")
    folder = warm_scene.root / "notebooks"
    warm_scene.wait_until(lambda: len(list(folder.glob("waiting-*"))) == 3, "all cells to start")
    kill(parents.values())
    (folder / "go").touch()
    output, errors = client.communicate(timeout=warm_scene.patience_seconds)
    assert client.returncode == 0, errors
    assert_true_records(warm_scene, json.loads(output)["runs"], 3)
    assert warm_scene.survivors() == []


@pytest.mark.slow
def test_parents_that_are_killed_at_any_moment_lose_no_run(warm_scene: WarmScene) -> None:
    chance = random.Random(3)
    warm(warm_scene)
    for number in range(8):
        warm_scene.stage(f"stage-{number}", f"n = {number}")
    for _ in range(2):
        client = warm_scene.start("run", "--json", "--force", "-j", "6")
        while client.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                client.wait(chance.uniform(0.1, 1.5))
            kill(warm_scene.parents(chance.choice(KINDS)))
        output, errors = client.communicate()
        assert client.returncode == 0, errors
        assert_true_records(warm_scene, json.loads(output)["runs"], 8)
    assert warm_scene.survivors() == []


def test_two_commands_at_once_on_two_projects_share_what_can_be_shared(warm_scene: WarmScene, tmp_path: Path) -> None:
    for number in range(4):
        warm_scene.stage(f"stage-{number}", f"print({number})")
    other = type(warm_scene)(tmp_path / "other", warm_folder=warm_scene.warm_folder)
    for number in range(4):
        other.stage(f"stage-{number}", f"print({number})")
    clients = [one.start("run", "--json") for one in (warm_scene, other)]
    for client, scene in zip(clients, (warm_scene, other), strict=True):
        output, errors = client.communicate(timeout=scene.patience_seconds)
        assert client.returncode == 0, errors
        assert_true_records(scene, json.loads(output)["runs"], 4)
    assert len(warm_scene.parents("kernel")) == 2
    assert len(warm_scene.parents("runner")) == 1
    assert warm_scene.survivors() == []


def test_commands_at_once_on_one_project_start_one_parent_of_each_kind(warm_scene: WarmScene) -> None:
    notebooks = [warm_scene.notebook(f"lone-{number}", f"print({number})") for number in range(4)]
    clients = [warm_scene.start("run", "--json", str(path)) for path in notebooks]
    for client in clients:
        output, errors = client.communicate(timeout=warm_scene.patience_seconds)
        assert client.returncode == 0, errors
        assert_true_records(warm_scene, json.loads(output)["runs"], 1)
    assert [len(warm_scene.parents(kind)) for kind in KINDS] == [1, 1, 1]
    assert warm_scene.survivors() == []


@pytest.mark.slow
def test_many_runs_at_once_leave_nothing_behind(warm_scene: WarmScene) -> None:
    # `make bench` does it with 200 at once and with 1,000 in a row.
    parents = warm(warm_scene)
    for number in range(60):
        warm_scene.stage(f"stage-{number:02d}", f"n = {number}", WAIT, "print(n)")
    folder = warm_scene.root / "notebooks"
    (folder / "go").touch()
    warm_scene.run("stage-00", "stage-01")
    before = {kind: (parent.num_fds(), parent.memory_info().rss) for kind, parent in parents.items()}
    for path in (folder / "go", *folder.glob("waiting-*")):
        path.unlink()
    client = warm_scene.start("run", "--json", "--force", "-j", "60")
    warm_scene.wait_until(lambda: len(list(folder.glob("waiting-*"))) == 60, "all cells to wait at once")
    (folder / "go").touch()
    output, errors = client.communicate(timeout=warm_scene.patience_seconds)
    assert client.returncode == 0, errors
    records = json.loads(output)["runs"]
    assert_true_records(warm_scene, records, 60)
    assert {tuple(warm_scene.engines(record)) for record in records} == {(("fork", ""),)}
    assert warm_scene.survivors() == []
    for kind, parent in parents.items():
        assert warm_scene.parent(kind) == parent
        descriptors, memory = before[kind]
        warm_scene.wait_until(partial(has_no_children, parent), "the parent to reap its forks")
        assert parent.num_fds() <= descriptors
        assert parent.memory_info().rss < memory + 20_000_000
    assert {path.suffix for path in warm_scene.warm_folder.iterdir()} <= {".sock", ".lock", ".log"}


def test_a_client_that_is_killed_leaves_the_parents_and_nothing_else(warm_scene: WarmScene) -> None:
    parents = warm(warm_scene)
    warm_scene.stage("waits", "n = 0", WAIT)
    client = warm_scene.start("run", "--json")
    warm_scene.wait_until((warm_scene.root / "notebooks" / "waiting-0").exists, "the cell to start")
    client.send_signal(signal.SIGKILL)
    warm_scene.wait_until(lambda: not warm_scene.survivors(), "everybody to end")
    assert warm_scene.contact()["waits"].cause == "interrupted"
    for kind, parent in parents.items():
        assert warm_scene.parent(kind) == parent
        warm_scene.wait_until(partial(has_no_children, parent), "the parent to reap its forks")


def restrict() -> None:
    """What `nice -n 5 taskset -c 0 sh -c "ulimit -S -n 333; ulimit -S -c 0; …"` does before its command begins."""
    os.nice(5)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for kind, soft in ((resource.RLIMIT_NOFILE, 333), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (soft, resource.getrlimit(kind)[1]))


def soften() -> None:
    """What `ulimit -S -n 333` does."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (333, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def told(scene: WarmScene, *arguments: str, preexec_fn: Callable[[], None] | None = None) -> tuple[str, object]:
    """The engine that a run of one notebook had, and what its cell says of its process."""
    client = scene.start("run", "--json", "--force", *arguments, "tells", preexec_fn=preexec_fn)
    output, errors = client.communicate(timeout=scene.patience_seconds)
    assert client.returncode == 0, errors
    (record,) = json.loads(output)["runs"]
    ((engine, _),) = scene.engines(record)
    return engine, json.loads(scene.executed(record).cells[1].outputs[0].text)


def test_a_restricted_command_has_restricted_cells_and_leaves_those_of_others_as_they_were(
    warm_scene: WarmScene,
) -> None:
    warm_scene.stage("tells", TELL)
    code, hard = [sys.executable, "-c", TELL], resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    plain, narrow = (json.loads(subprocess.check_output(code, preexec_fn=one)) for one in (None, restrict))
    assert plain != narrow
    # The parents of all but the nice ones are started by this command.
    assert told(warm_scene, preexec_fn=soften)[1] == [*plain[:2], [333, hard], plain[3]]
    assert [warm_scene.parent(kind).rlimit(resource.RLIMIT_NOFILE)[0] for kind in KINDS] == [hard] * 3
    assert told(warm_scene) == ("fork", plain)
    assert told(warm_scene, preexec_fn=restrict)[1] == narrow
    assert told(warm_scene, preexec_fn=restrict) == ("fork", narrow)
    assert told(warm_scene, "--engine", "jupyter", preexec_fn=restrict) == ("jupyter", narrow)
    assert told(warm_scene) == ("fork", plain)
    assert told(warm_scene, "--engine", "jupyter") == ("jupyter", plain)
    assert warm_scene.survivors() == []
