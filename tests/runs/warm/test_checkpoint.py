from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.runs.warm.conftest import Talk
from tests.warmth import until

from nightbook.runs.census import outlives_its_run
from nightbook.runs.checkpoint_sockets import checkpoint_place, end_checkpoint, find_process, is_there, lengthen
from nightbook.runs.containment import choose_containment
from nightbook.runs.warm.checkpoint import Tenure
from nightbook.runs.warm.frames import CHECKPOINT
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.keeper import KEEP
from nightbook.runs.warm.kernels import fork_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightbook.runs.warm.places import Place


@pytest.fixture
def place(talk: Talk) -> Iterator[Place]:
    """Where a checkpoint of the kernel listens, if it is asked to leave one there."""
    place = checkpoint_place(f"checkpoint-{talk.manager.kernel_id}")
    yield place
    end_checkpoint(place.socket)


@pytest.fixture
def go_on(place: Place, tmp_path: Path) -> Iterator[Callable[[], Talk]]:
    """Makes kernels that go on from there."""
    talks: list[Talk] = []

    def start() -> Talk:
        surroundings, log = present_surroundings(str(tmp_path)), os.open(os.devnull, os.O_WRONLY)
        ends = fork_kernel(place, surroundings, choose_containment("auto"), log=log, is_parent_started=False)
        assert ends is not None
        talks.append(Talk(ends))
        return talks[-1]

    yield start
    for talk in talks:
        talk.end()
        os.close(talk.client._ends.log)


def leave(talk: Talk, place: Place, root: str = "/nowhere", known: tuple[str, ...] = ()) -> dict[str, object]:
    """What a kernel answers that is asked for a checkpoint."""
    wishes = {"socket": str(place.socket), "until": time.time() + 3600, "root": root, "known": list(known)}
    answer: dict[str, object] = json.loads(talk.client.ask(CHECKPOINT, wishes) or "{}")
    talk.client._ends.keeper.sendall(KEEP)
    return answer


def test_kernels_go_on_from_a_checkpoint_each_on_its_own_and_its_own_kernel_does_as_well(
    talk: Talk, place: Place, go_on: Callable[[], Talk], tmp_path: Path
) -> None:
    (tmp_path / "read.txt").write_text("abc")
    talk.execute("import random\nseen = []\nlines = open('read.txt')\nfirst = lines.read(1)")
    assert leave(talk, place) == {"reason": "", "modules": []}
    use = "seen.append(random.random()); seen, lines.read(1)"
    shown = [kernel.execute(use).shown for kernel in (talk, go_on(), go_on())]
    assert shown[0] == shown[1] == shown[2]
    assert "'b'" in shown[0][0][1]


def test_a_kernel_that_goes_on_has_the_limits_of_who_asked_but_for_those_that_a_cell_has_set(
    talk: Talk, place: Place, go_on: Callable[[], Talk]
) -> None:
    talk.execute("import resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0))")
    leave(talk, place)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 7, hard))
    try:
        shown = go_on().execute("r.getrlimit(r.RLIMIT_NOFILE)[0], r.getrlimit(r.RLIMIT_CORE)").shown
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert shown == [("execute_result", f"({soft - 7}, (0, 0))")]


def test_memory_that_runs_out_costs_the_checkpoint_first_and_no_kernel_that_goes_on(
    talk: Talk, place: Place, go_on: Callable[[], Talk]
) -> None:
    look = "open('/proc/self/oom_score_adj').read()"
    leave(talk, place)
    checkpoint = find_process(place.socket)
    assert checkpoint is not None
    assert Path(f"/proc/{checkpoint.pid}/oom_score_adj").read_text() == "1000\n"
    assert talk.execute(look).shown == go_on().execute(look).shown != [("execute_result", "'1000\\n'")]


def test_a_checkpoint_outlives_its_kernel_with_the_keeper_alone_and_ends_with_its_file(
    talk: Talk, place: Place, go_on: Callable[[], Talk]
) -> None:
    talk.execute("n = 20")
    leave(talk, place)
    keeper, checkpoint = psutil.Process(int(talk.manager.kernel_id)), find_process(place.socket)
    assert checkpoint is not None
    talk.execute("import os\n_ = os.system('setsid sleep 3600 < /dev/null > /dev/null 2>&1 &')")
    talk.client.execute("os.kill(os.getpid(), 9)")
    assert talk.manager.returncode(within_seconds=60) == -9
    until(lambda: [process.pid for process in keeper.children(recursive=True)] == [checkpoint.pid])
    assert outlives_its_run(keeper)
    assert outlives_its_run(checkpoint)
    assert go_on().execute("n + 1").shown == [("execute_result", "21")]
    place.socket.unlink()
    until(lambda: not checkpoint.is_running())


def test_a_cell_finds_none_of_ours_among_its_children_and_may_leave_one_checkpoint_after_the_other(
    talk: Talk, place: Place
) -> None:
    leave(talk, place)
    assert talk.execute("import psutil\nlen(psutil.Process().children())").shown == [("execute_result", "0")]
    end_checkpoint(place.socket)
    assert leave(talk, place)["reason"] == ""
    assert is_there(place.socket)


def test_what_cannot_be_forked_is_no_checkpoint_and_the_kernel_serves_on(talk: Talk, place: Place) -> None:
    talk.execute("kept = open('kept.txt', 'w')")
    assert str(leave(talk, place)["reason"]).endswith("kept.txt is open for writing")
    assert not place.socket.exists()
    assert talk.execute("kept.close()\n1 + 1").shown == [("execute_result", "2")]
    assert leave(talk, place)["reason"] == ""


def test_an_open_run_of_mlflows_belongs_to_this_run(talk: Talk, place: Place) -> None:
    talk.execute("import sys, types\nsys.modules['mlflow'] = types.SimpleNamespace(active_run=lambda: 'open')")
    assert leave(talk, place)["reason"] == "a run of MLflow's is open"


def test_it_says_which_of_the_projects_modules_are_loaded(talk: Talk, place: Place, tmp_path: Path) -> None:
    (tmp_path / "own.py").touch()
    (tmp_path / "other.py").touch()
    talk.execute("import sys\nsys.path.insert(0, '')\nimport own, json")
    assert leave(talk, place, root=str(tmp_path))["modules"] == [str(tmp_path / "own.py")]
    end_checkpoint(place.socket)
    assert leave(talk, place, known=(str(tmp_path / "own.py"),))["modules"] == [str(tmp_path / "own.py")]


def test_a_tenure_ends_with_the_time_of_the_file_or_with_the_file(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.touch()
    lengthen(place, time.time() + 3600)
    tenure = Tenure(place)
    seen = [tenure.is_over]
    lengthen(place, time.time() - 1)
    seen.append(tenure.is_over)
    lengthen(place, time.time() + 3600)
    seen.append(tenure.is_over)
    place.rename(tmp_path / "moved")
    seen.append(tenure.is_over)
    place.touch()
    lengthen(place, time.time() + 3600)
    assert [*seen, tenure.is_over] == [False, True, False, True, True]
