"""A run that fails behind long cells is resumed from a fork that it left between them, as long as their past is the same.

Each cell notes that it was executed in a file: what is not noted twice was not executed twice.
"""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nightbook.records import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.end_to_end.conftest import Scene

CONTAINMENTS = ("pid_namespace", "process_tree")
BAD = "1 / 0"


def noting(letter: str, code: str = "") -> str:
    """A cell that notes that it was executed, before anything else."""
    return f"with open('executed', 'a') as file: _ = file.write({letter!r})\n{code}"


def executed(scene: Scene) -> str:
    """Which cells were executed, in order."""
    return (scene.root / "notebooks" / "executed").read_text()


def checkpoints(scene: Scene) -> list[psutil.Process]:
    """The checkpoints of this project's runs, without the keepers that stay for them."""
    found = []
    for pid, *words in (line.split() for line in scene.survivors()):
        with suppress(psutil.Error):
            if words[:2] == ["nightbook", "checkpoint"]:
                found.append(psutil.Process(int(pid)))
    return found


def write(scene: Scene, *codes: str, declares: str = "n: int = 1") -> Path:
    """A stage whose cells note `a`, `b`, `c` … and then do what they do."""
    return scene.stage("long", *(noting(chr(97 + place), code) for place, code in enumerate(codes)), declares=declares)


def fail(scene: Scene, *codes: str, declares: str = "n: int = 1") -> dict[str, Any]:
    """The record of a run of such a stage that failed, and left checkpoints."""
    write(scene, *codes, declares=declares)
    (record,) = scene.run("long", "--checkpoint", "--force", expect=1)
    return record


def show(scene: Scene, reference: str = "long@latest") -> dict[str, Any]:
    """What `runs show` tells of a run's checkpoints."""
    output, _ = scene.command("runs", "show", reference, "--json")
    told: dict[str, Any] = json.loads(output).get("checkpoints", {"usable": []})
    return told


def resume(scene: Scene, reference: str = "latest", expect: int = 0) -> tuple[dict[str, Any], str]:
    """Resume a run; the record of its stage, and where it began."""
    output, _ = scene.command("resume", reference, "--json", expect=expect)
    document = json.loads(output)
    (record,) = document["runs"]
    return record, document["checkpoints"][record["run_id"]]["resumed"]["reason"]


@pytest.fixture
def eager(scene: Scene) -> Scene:
    """A scene in which a checkpoint is left before every cell but the first."""
    scene.environment["NIGHTBOOK_CHECKPOINT_AFTER_SECONDS"] = "0.000001"
    return scene


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_a_mended_notebook_goes_on_where_it_failed_and_is_as_one_that_was_never_broken(
    eager: Scene, containment: str
) -> None:
    eager.environment["NIGHTBOOK_CONTAINMENT"] = containment
    codes = (
        "import nightbook, random\nrandom.seed(1)\ndrawn = [random.random()]\nnightbook.log_metric('first', 5)",
        "lines = open('executed')\nfirst = lines.read(1)\nprint(n, first)",
        "drawn.append(random.random())\nsecond = lines.read(1)\nnightbook.log_metric('last', n)\nfirst, second, drawn",
    )
    failed = fail(eager, *codes[:2], f"drawn = random.random() + len(lines.read()) / 0\n{codes[2]}")
    assert (failed["status"], failed["cause"]) == ("failed", "cell_error")
    assert [one["cell"] for one in show(eager)["usable"]] == [1, 2, 3]
    write(eager, *codes)
    record, reason = resume(eager)
    assert reason.startswith("continues before cell 3 from long #")
    assert reason.endswith(": cells 0 to 2 are taken over")
    assert executed(eager) == "abcc"
    assert [cell["shared"] for cell in record["cells"]] == [True] * 3 + [False]
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")
    (whole,) = eager.run("long", "--force")
    assert executed(eager) == "abccabc"
    assert record["metrics"] == whole["metrics"] == {"first": 5, "last": 1}
    assert record["run_id"] != failed["run_id"]
    one, other = (
        [(cell.execution_count, re.sub(r"'at': '[^']*'", "", str(cell.outputs))) for cell in eager.executed(run).cells]
        for run in (record, whole)
    )
    assert one == other
    assert eager.executed(record).metadata.nightbook.resumed.run_id == failed["run_id"]


def test_a_change_before_the_last_checkpoint_leads_to_an_earlier_one_and_one_before_all_to_the_start(
    eager: Scene,
) -> None:
    fail(eager, "x = 1", "y = 2", BAD)
    write(eager, "x = 1", "y = 3", "print(x + y)", BAD)
    record, reason = resume(eager, expect=1)
    assert "continues before cell 2" in reason
    assert "the checkpoint before cell 3 cannot be used: cell 2 has changed" in reason
    assert executed(eager) == "abcbcd"
    write(eager, "x = 2", "y = 3", "print(x + y)")
    record, reason = resume(eager)
    assert record["status"] == "succeeded"
    assert reason.startswith("continues before cell 1 from long #2: cell 0 is taken over")
    write(eager, "x = 2", "y = 3", "print(x - y)", BAD, declares="n: int = 2")
    eager.run("long", "--checkpoint", expect=1)
    write(eager, "x = 2", "y = 3", "print(x - y)", declares="n: int = 3")
    record, reason = resume(eager)
    assert reason == "runs from the start: the checkpoint before cell 4 cannot be used: cell 0 has changed"
    assert executed(eager) == "abcbcdabcabcdabc"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


def test_prose_does_not_count_and_cells_may_come_and_go_behind_the_checkpoint(eager: Scene) -> None:
    fail(eager, "x = 1", BAD)
    path = write(eager, "x = 1", "print(x)", "print('new')")
    notebook = json.loads(path.read_text())
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": "What this is."})
    path.write_text(json.dumps(notebook))
    record, reason = resume(eager)
    assert "continues before cell 3 " in reason
    assert executed(eager) == "abbc"
    assert [cell["status"] for cell in record["cells"]] == ["succeeded"] * 4


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_a_kernel_that_is_killed_leaves_its_checkpoints_and_nothing_else(eager: Scene, containment: str) -> None:
    eager.environment["NIGHTBOOK_CONTAINMENT"] = containment
    hidden = "import os\n_ = os.system('setsid sleep 3600 < /dev/null > /dev/null 2>&1 &')"
    failed = fail(eager, "x = 1", f"{hidden}\nos.kill(os.getpid(), 9)")
    assert (failed["status"], failed["cause"]) == ("failed", "kernel_died")
    assert "SIGKILL" in failed["message"] or "killed" in failed["message"]
    titles = sorted(line.split()[2] for line in eager.survivors())
    assert titles == ["checkpoint", "checkpoint", "checkpoints"]
    write(eager, "x = 1", "print(x)")
    record, _ = resume(eager)
    assert record["status"] == "succeeded"
    assert executed(eager) == "abb"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_checkpoints_that_are_killed_are_not_listed_and_lead_to_earlier_ones_or_to_the_start(
    eager: Scene, containment: str
) -> None:
    eager.environment["NIGHTBOOK_CONTAINMENT"] = containment
    fail(eager, "x = 1", "y = 2", BAD)
    newest = max(checkpoints(eager), key=lambda process: process.create_time())
    newest.kill()
    eager.wait_until(lambda: eager.has_ended(newest.pid), "its end")
    assert [one["cell"] for one in show(eager)["usable"]] == [1, 2]
    _, reason = resume(eager, expect=1)
    assert "continues before cell 2" in reason
    assert "the checkpoint before cell 3 cannot be used: it is gone" in reason
    for process in checkpoints(eager):
        process.kill()
    eager.wait_until(lambda: not eager.survivors(), "the end of those who stayed for them")
    assert show(eager)["usable"] == []
    write(eager, "x = 1", "y = 2", "x + y")
    record, reason = resume(eager)
    assert record["status"] == "succeeded"
    assert reason == "runs from the start: the checkpoint before cell 3 cannot be used: it is gone"


@pytest.mark.parametrize("containment", CONTAINMENTS)
@pytest.mark.parametrize("killed", ["client", "supervisor", "runner"])
def test_whoever_is_killed_of_those_that_carry_a_run_out_its_checkpoints_stay(
    eager: Scene, killed: str, containment: str
) -> None:
    eager.environment["NIGHTBOOK_CONTAINMENT"] = containment
    write(eager, "x = 1", "import os, time\nopen('waits', 'w').close()\nwhile True: time.sleep(0.05)")
    command = eager.start("run", "long", "--checkpoint")
    eager.wait_until((eager.root / "notebooks" / "waits").exists, "the second cell")
    if killed == "client":
        for process in eager.processes("command"):
            process.kill()
        command.kill()
    else:
        for process in eager.processes(killed):
            process.kill()
    command.communicate()
    eager.wait_until(lambda: eager.contact()["long"].status.is_final, "its end")
    assert eager.contact()["long"].status is not RunStatus.SUCCEEDED
    eager.wait_until(lambda: len(eager.survivors()) == 3, "the end of all but the checkpoints and their keeper")
    assert [one["cell"] for one in show(eager)["usable"]] == [1, 2]
    write(eager, "x = 1", "print(x)")
    record, _ = resume(eager)
    assert record["status"] == "succeeded"
    assert executed(eager) == "abb"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


def test_a_cancelled_run_can_be_resumed_as_well(eager: Scene) -> None:
    write(eager, "x = 1", "import time\nopen('waits', 'w').close()\nwhile True: time.sleep(0.05)")
    command = eager.start("run", "long", "--checkpoint")
    eager.wait_until((eager.root / "notebooks" / "waits").exists, "the second cell")
    command.send_signal(signal.SIGINT)
    command.communicate()
    assert eager.contact()["long"].status is RunStatus.CANCELLED
    write(eager, "x = 1", "print(x)")
    record, _ = resume(eager)
    assert (record["status"], executed(eager)) == ("succeeded", "abb")


def test_checkpoints_end_with_their_time_and_one_that_is_stopped_is_ended_by_the_next_command(eager: Scene) -> None:
    eager.environment["NIGHTBOOK_CHECKPOINT_KEEP_SECONDS"] = "0.5"
    fail(eager, "x = 1", BAD)
    eager.wait_until(lambda: not eager.survivors(), "the end of their time")
    assert show(eager)["usable"] == []
    eager.environment["NIGHTBOOK_CHECKPOINT_KEEP_SECONDS"] = "3600"
    failed = fail(eager, "x = 1", BAD)
    for process in checkpoints(eager):
        process.send_signal(signal.SIGSTOP)
    assert len(show(eager)["usable"]) == 2
    for place in sockets(failed["run_id"]):
        os.utime(place, (0, 0))
    assert show(eager)["usable"] == []
    eager.wait_until(lambda: not eager.survivors(), "the end of those that were stopped")


def sockets(run_id: str) -> list[Path]:
    """The files at which the checkpoints of a run listen."""
    from nightbook.runs.warm.places import warm_folder  # noqa: PLC0415 - after the fixtures have set the environment

    return list(warm_folder(os.environ).glob(f"checkpoint-{run_id}-*.sock"))


def test_two_may_resume_the_same_run_at_once(eager: Scene) -> None:
    waits = "import os, time\nx.append(2)\nwhile not os.path.exists('go'): time.sleep(0.05)\nprint(x)"
    eager.notebook("lone", noting("a", "x = [1]"), noting("b", BAD))
    eager.run("lone.ipynb", "--checkpoint", expect=1)
    eager.notebook("lone", noting("a", "x = [1]"), noting("b", waits))
    resumed = [eager.start("resume", "1", "--json") for _ in range(2)]
    noted = eager.root / "executed"
    eager.wait_until(lambda: noted.read_text() == "abbb", "both to be at work")
    (eager.root / "go").touch()
    documents = [json.loads(process.communicate()[0]) for process in resumed]
    records = [document["runs"][0] for document in documents]
    assert [record["status"] for record in records] == ["succeeded"] * 2
    assert len({record["run_id"] for record in records}) == 2
    for record in records:
        assert eager.executed(record).cells[-1].outputs[0].text == "[1, 2]\n"
    assert noted.read_text() == "abbb"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


@pytest.mark.parametrize("containment", CONTAINMENTS)
def test_a_resumed_run_leaves_checkpoints_of_its_own_which_outlive_those_that_it_went_on_from(
    eager: Scene, containment: str
) -> None:
    eager.environment["NIGHTBOOK_CONTAINMENT"] = containment
    first = fail(eager, "x = 1", BAD)
    write(eager, "x = 1", "y = 2", "z = 3", BAD)
    second, _ = resume(eager, expect=1)
    assert [one["cell"] for one in show(eager)["usable"]] == [3, 4]
    for place in sockets(first["run_id"]):
        place.unlink()
    eager.wait_until(lambda: len(checkpoints(eager)) == 2, "the end of the first run's")
    write(eager, "x = 1", "y = 2", "z = 3", "print(x + y + z)")
    record, reason = resume(eager, str(second["number"]))
    assert "continues before cell 4 from" in reason
    assert eager.executed(record).cells[-1].outputs[0].text == "6\n"
    assert [cell["shared"] for cell in record["cells"]] == [True] * 4 + [False]
    assert executed(eager) == "abbcdd"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


def test_what_a_checkpoint_relies_on_must_be_as_it_was(eager: Scene) -> None:
    module = eager.root / "own.py"
    module.write_text("value = 1\n")
    read, written = eager.root / "data.txt", eager.root / "out.txt"
    read.write_text("1")
    declares = "from nightbook import Input, Output\nsource: Input = '../data.txt'\ntarget: Output = '../out.txt'"
    codes = ("import sys\nsys.path.append('..')\nimport own", "_ = open(target, 'w').write('1')")
    changes: dict[str, Callable[[], object]] = {
        "own.py has changed": lambda: module.write_text("value = 2\n"),
        "the inputs have changed": lambda: read.write_text("2"),
        "out.txt has changed": lambda: written.write_text("2"),
        "packages, environment variables or the limits of the process have changed": lambda: eager.environment.update(
            WHAT_LIBRARIES_READ="1"
        ),
    }
    for reason, change in changes.items():
        fail(eager, *codes, BAD, declares=declares)
        change()
        _, said = resume(eager, expect=1)
        assert reason in said


def test_what_cannot_be_forked_is_told_and_the_run_goes_on(eager: Scene) -> None:
    lives = "import threading\nthread = threading.Thread(target=threading.Event().wait, name='lives', daemon=True)\nthread.start()"
    write(eager, lives, "1", "2")
    _, said = eager.command("run", "long", "--checkpoint", "--force")
    assert "no checkpoint before cells 2, 3: a thread lives: lives" in said
    _, said = eager.command("run", "long", "--checkpoint", "--engine", "jupyter", "--force")
    assert "no checkpoints: the jupyter engine leaves none" in said
    output, _ = eager.command("runs", "show", "long@latest")
    assert "no checkpoints: the jupyter engine leaves none" in output
    assert eager.survivors() == []


def test_the_runs_of_a_sweep_leave_none(eager: Scene) -> None:
    eager.configure("checkpoint = true\n")
    write(eager, "n", "n + 1")
    eager.command("sweep", "long", "--grid", "n=1,2")
    assert [one["reason"] for one in show(eager)["refused"]] == ["the runs of a sweep leave none"]
    assert eager.survivors() == []


def test_what_holds_too_much_memory_is_ended_the_least_useful_first(eager: Scene) -> None:
    eager.environment["NIGHTBOOK_CHECKPOINT_MEMORY_BYTES"] = "1000"
    fail(eager, "x = 1", BAD)
    told = show(eager)
    assert told["usable"] == []
    assert all("more than 1.0 kB" in one["reason"] for one in told["ended"])
    assert len(told["ended"]) == 2
    eager.wait_until(lambda: not eager.survivors(), "their end")
    _, reason = resume(eager, expect=1)
    assert "runs from the start: the checkpoint before cell 2 cannot be used: checkpoints held" in reason


def test_of_a_pipeline_only_what_failed_goes_on(eager: Scene) -> None:
    eager.configure("[stages.long]\ncheckpoint = true\n")
    eager.stage("before", noting("x"))
    eager.configure('[stages.long]\ncheckpoint = true\nafter = ["before"]\n')
    write(eager, "x = 1", BAD)
    eager.run(expect=1)
    write(eager, "x = 1", "print(x)")
    record, reason = resume(eager)
    assert (record["stage"], record["status"]) == ("long", "succeeded")
    assert "continues before cell 2" in reason
    assert executed(eager) == "xabb"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


def test_a_stage_that_is_tried_again_goes_on_in_the_same_way(eager: Scene) -> None:
    eager.configure("[stages.long]\ncheckpoint = true\nretries = 1\n")
    write(eager, "x = 1", "import os\nif not os.path.exists('once'): open('once', 'w').close(), 1 / 0", "print(x)")
    (record,) = eager.run("long")
    assert record["status"] == "succeeded"
    assert executed(eager) == "abbc"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")


def test_another_engine_goes_on_from_no_checkpoint_and_says_so(eager: Scene) -> None:
    fail(eager, "x = 1", BAD)
    write(eager, "x = 1", "print(x)")
    eager.environment["NIGHTBOOK_ENGINE"] = "jupyter"
    _, reason = resume(eager)
    assert reason == "runs from the start: the jupyter engine goes on from no checkpoint"
    assert executed(eager) == "abab"
    eager.wait_until(lambda: not eager.survivors(), "the end of all checkpoints")
