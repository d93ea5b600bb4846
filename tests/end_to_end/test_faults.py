"""However a run ends, its record, its notebook, its report and MLflow tell the truth of it, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mlflow
import psutil
import pytest

from nightbook.records import RunKind
from nightbook.runs.watch import GRACE_SECONDS
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.end_to_end.conftest import Scene

    from nightbook.records import Run

# A call in C that keeps Python's lock: no Python code of the kernel runs meanwhile, no signal is answered.
HOLD_THE_LOCK = "import ctypes\nctypes.PyDLL(None).sleep({seconds})"

ENDINGS: dict[str, tuple[list[str], str, str | None, list[str]]] = {
    # name: (cells behind the declaration, status, cause, states of all cells)
    "error": (["1", "1/0", "2"], "failed", "cell_error", ["succeeded", "succeeded", "failed", "not_run"]),
    "exit-3": (["import os; os._exit(3)", "2"], "failed", "kernel_died", ["succeeded", "failed", "not_run"]),
    "segfault": (
        ["import ctypes; ctypes.string_at(0)", "2"],
        "failed",
        "kernel_died",
        ["succeeded", "failed", "not_run"],
    ),
    "killed": (["import os; os.kill(os.getpid(), 9)"], "failed", "kernel_died", ["succeeded", "failed"]),
    "hungry": (
        ["print('hungry')", "x = bytearray(2_000_000_000)"],
        "failed",
        "out_of_memory",
        ["succeeded", "succeeded", "failed"],
    ),
    "hungry-child": (
        [
            (
                "import subprocess, sys\n"
                "subprocess.run([sys.executable, '-c', "
                "'import mmap, time; m = mmap.mmap(-1, 900_000_000); m.write(bytes(450_000_000)); m.write(bytes(440_000_000)); time.sleep(60)'"
                "], check=True)"
            )
        ],
        "failed",
        "out_of_memory",
        ["succeeded", "failed"],
    ),
    "slow-run": (["import time; time.sleep(60)", "2"], "failed", "timeout", ["succeeded", "failed", "not_run"]),
    "slow-cell": (["1", HOLD_THE_LOCK.format(seconds=60)], "failed", "timeout", ["succeeded", "succeeded", "failed"]),
    "sys-exit-0": (["import sys; sys.exit(0)", "2"], "succeeded", None, ["succeeded", "succeeded", "not_run"]),
    "sys-exit-1": (["import sys; sys.exit(1)", "2"], "failed", "cell_error", ["succeeded", "failed", "not_run"]),
    "exit": (["exit()", "2"], "succeeded", None, ["succeeded", "succeeded", "not_run"]),
    "early": (
        ["import nightbook\nnightbook.exit_early('no data today')", "2"],
        "succeeded",
        None,
        ["succeeded", "succeeded", "not_run"],
    ),
    "interrupt": (["raise KeyboardInterrupt", "2"], "failed", "interrupted", ["succeeded", "failed", "not_run"]),
    "allowed": (["1/0", "2", "never = 1/0"], "succeeded", None, ["succeeded", "succeeded", "succeeded", "not_run"]),
    "no-output": (["2"], "failed", "cell_error", ["succeeded", "succeeded"]),
    "garbled": (
        [
            (
                "from IPython.display import display\n"
                "kind = 'application/vnd.nightbook.v1+json'\n"
                "display({kind: {'metrics': [{'name': 'x'}, {'name': 'y', 'value': 1}, 'z']}}, raw=True)\n"
                "display({kind: {'metrics': 5, 'parameters': [1], 'tables': {}}}, raw=True)\n"
                "display({kind: [1]}, raw=True)"
            )
        ],
        "succeeded",
        None,
        ["succeeded", "succeeded"],
    ),
}
SETTINGS = """
[stages.hungry]
memory_bytes = 1_000_000_000
[stages.hungry-child]
memory_bytes = 700_000_000
[stages.slow-run]
timeout_seconds = 25
[stages.slow-cell]
cell_timeout_seconds = 2
"""
MESSAGES = {
    "error": "ZeroDivisionError: division by zero (in cell 2)",
    "exit-3": "the kernel exited with status 3 in cell 1",
    "segfault": "the kernel was killed by SIGSEGV in cell 1",
    "killed": "the kernel was killed by SIGKILL in cell 1",
    "slow-run": "the run took longer than 25 s and was ended in cell 1",
    "slow-cell": "a cell took longer than 2 s and was ended in cell 2",
    "sys-exit-0": "sys.exit(0)",
    "sys-exit-1": "SystemExit: 1 (in cell 1)",
    "exit": "exit()",
    "early": "no data today",
    "allowed": "",
    "no-output": "the notebook ended without writing made (data/made.txt)",
    "garbled": "6 logged entries could not be understood and were left out",
}
MLFLOW_STATES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED", "lost": "FAILED"}


def states(cells: Any) -> list[str]:
    return [cell["status"] if isinstance(cell, dict) else cell.status.value for cell in cells]


def assert_true_notebook(scene: Scene, record: dict[str, Any]) -> None:
    """The executed notebook says of the run and its cells what the ledger says."""
    notebook = scene.executed(record)
    told = notebook.metadata["nightbook"]
    assert (told["status"], told["cause"]) == (record["status"], record["cause"])
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    own = [cell for cell in code if cell.metadata["nightbook"]["index"] is not None]
    assert [cell.metadata["nightbook"]["status"] for cell in own] == states(record["cells"])
    assert notebook.metadata["papermill"]["exception"] is (record["status"] != "succeeded")
    for cell in code:
        if cell.metadata["nightbook"]["status"] == "failed":
            errors = [output for output in cell.outputs if output.output_type == "error"]
            assert errors
            assert record["cause"] in {"cell_error", "out_of_memory", "interrupted"} or (
                errors[-1].evalue == record["message"]
            )
        if cell.metadata["nightbook"]["status"] == "not_run":
            assert not cell.outputs
            assert cell.execution_count is None


def told_to_mlflow(scene: Scene) -> dict[str, str]:
    """The status of each stage's run in an MLflow that is there only now."""
    scene.environment["NIGHTBOOK_TRACKING_URI"] = tracking_uri = f"sqlite:///{scene.root}/mlflow.sqlite"
    scene.command("sync")
    client = mlflow.MlflowClient(tracking_uri)
    told = client.search_runs([one.experiment_id for one in client.search_experiments()])
    return {run.data.tags["nightbook.stage"]: run.info.status for run in told if "nightbook.stage" in run.data.tags}


def test_each_way_of_ending_is_told_apart(scene: Scene) -> None:
    for name, (cells, *_) in ENDINGS.items():
        declares = (
            'from nightbook import Output\nmade: Output = "../data/made.txt"' if name == "no-output" else "n: int = 1"
        )
        tags = {0: "raises-exception", 2: "skip-execution"} if name == "allowed" else {}
        # The longest first: the others run meanwhile.
        file = f"01-{name}" if name == "slow-run" else name
        scene.stage(file, *cells, tags=tags, declares=declares)
    scene.configure(SETTINGS)

    records = {record["stage"]: record for record in scene.run("-j", "3", expect=1)}

    assert {name: (record["status"], record["cause"]) for name, record in records.items()} == {
        name: (status, cause) for name, (_, status, cause, _) in ENDINGS.items()
    }
    assert {name: states(record["cells"]) for name, record in records.items()} == {
        name: cells for name, (*_, cells) in ENDINGS.items()
    }
    assert {name: records[name]["message"] for name in MESSAGES} == MESSAGES
    assert records["garbled"]["metrics"] == {"y": 1.0}
    for record in records.values():
        assert_true_notebook(scene, record)
        report = (scene.folder(record) / "report.html").read_text(encoding="utf-8")
        assert record["status"] in report.lower()
    assert scene.survivors() == []

    assert told_to_mlflow(scene) == {name: MLFLOW_STATES[record["status"]] for name, record in records.items()}


# Leaves behind what a cell may leave behind: a child, one in a session of its own, one that daemonised with two forks, and
# one that did so with an empty environment. Their process ids mean something only where the kernel runs.
LEAVE_CHILDREN = """\
import os, subprocess
subprocess.Popen(["sleep", "600.25"])
subprocess.Popen(["sleep", "600.25"], start_new_session=True)
subprocess.run(["sh", "-c", "setsid sleep 600.25 >/dev/null 2>&1 & env -i $(command -v setsid) sleep 600.25 >/dev/null 2>&1 &"])
open(f"ready-{os.environ['NIGHTBOOK_RUN_ID']}", "w").close()
"""
WAIT_FOR_WORD = """\
import os, time
while not os.path.exists("go"):
    time.sleep(0.05)
"""
SIGNALS = [
    (signal.SIGKILL, "pid_namespace"),
    (signal.SIGKILL, "process_tree"),
    (signal.SIGTERM, "pid_namespace"),
    (signal.SIGHUP, "process_tree"),
]
VICTIMS = {
    ("fork", "pid_namespace"): ("kernel", "runner", "supervisor", "keeper"),
    ("fork", "process_tree"): ("kernel", "runner", "supervisor", "keeper"),
    ("jupyter", "pid_namespace"): ("kernel", "runner", "supervisor", "namespace"),
    ("jupyter", "process_tree"): ("kernel", "runner", "supervisor"),
}
ENGINES = ("fork", "jupyter")
# What follows where a signal ends the victim.
ENDS = {
    "kernel": ("failed", "kernel_died"),
    "keeper": ("failed", "kernel_died"),
    "runner": ("failed", "interrupted"),
    "namespace": ("failed", "interrupted"),
    "supervisor": ("lost", "lost"),
}


def five_seconds() -> float:
    """Five seconds, as they are on a machine that is as busy as this one."""
    return 5 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def expected_end(victim: str, number: signal.Signals, engine: str, containment: str) -> tuple[str, str | None]:
    """How a run ends when one of its processes gets a signal."""
    first = {"fork": "keeper", "jupyter": "runner"}[engine]
    if victim == "supervisor" and number is signal.SIGTERM:
        return "cancelled", "interrupted"
    is_deaf = (
        (victim == "supervisor" and number is signal.SIGHUP)
        # The first process of a PID namespace and its maker get only what they ask for, beside SIGKILL.
        or (victim == first and number is not signal.SIGKILL and containment == "pid_namespace")
        or (victim == "namespace" and number is signal.SIGTERM)
    )
    return ("succeeded", None) if is_deaf else ENDS[victim]


def sleepers(scene: Scene) -> list[int]:
    """The processes that the notebooks left behind, by their command line and working folder alone."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[-1:] == ["600.25"] and process.cwd().startswith(str(scene.root)):
                found.append(process.pid)
    return found


def cells_started(scene: Scene, run: Run) -> int:
    events = scene.folder(run) / "events.jsonl"
    return events.read_text(encoding="utf-8").count('"cell_started"') if events.exists() else 0


def runs_that_wait(scene: Scene, names: Sequence[str]) -> dict[str, Run]:
    """The stages' runs once each has left its children and waits."""

    def ready() -> dict[str, Run] | None:
        runs = {name: run for name, run in scene.recorded().items() if name in names}
        # The declaration, the cell that leaves children, the one that waits.
        is_ready = len(runs) == len(names) and all(cells_started(scene, run) == 3 for run in runs.values())
        return runs if is_ready else None

    found: dict[str, Run] = scene.wait_until(ready, "every stage to wait")
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("number", "containment"), SIGNALS)
def test_whoever_of_ours_is_killed_the_record_is_true_and_nobody_is_left(
    scene: Scene, number: signal.Signals, containment: str, engine: str
) -> None:
    victims = VICTIMS[engine, containment]
    for victim in victims:
        scene.stage(victim, LEAVE_CHILDREN, WAIT_FOR_WORD, "2")
    scene.environment |= {"NIGHTBOOK_CONTAINMENT": containment, "NIGHTBOOK_ENGINE": engine}
    client = scene.start("run", "--json", "-j", "4")
    runs = runs_that_wait(scene, victims)
    scene.wait_until(lambda: len(sleepers(scene)) == 4 * len(victims), "all that they leave behind to be at it")

    for victim, run in runs.items():
        (process,) = scene.processes(victim, run)
        process.send_signal(number)
    survivors = [victim for victim in victims if expected_end(victim, number, engine, containment)[0] == "succeeded"]
    scene.wait_until(
        lambda: len(sleepers(scene)) == 4 * len(survivors),
        "what the killed runs left behind to end",
        seconds=five_seconds() + (0 if number is signal.SIGKILL else GRACE_SECONDS),
    )
    (scene.root / "notebooks" / "go").touch()
    output, errors = client.communicate(timeout=scene.patience_seconds)

    records = {record["stage"]: record for record in json.loads(output)["runs"]}
    assert {name: (record["status"], record["cause"]) for name, record in records.items()} == {
        victim: expected_end(victim, number, engine, containment) for victim in victims
    }, errors
    for record in records.values():
        is_good = record["status"] == "succeeded"
        assert states(record["cells"]) == [
            "succeeded",
            "succeeded",
            *(["succeeded"] * 2 if is_good else ["failed", "not_run"]),
        ]
        assert_true_notebook(scene, record)
        assert (scene.folder(record) / "report.html").exists()
    assert sleepers(scene) == []
    assert scene.survivors() == []
    if number is signal.SIGKILL:
        statuses = {name: MLFLOW_STATES[record["status"]] for name, record in records.items()}
        assert told_to_mlflow(scene) == statuses


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("number", "containment"), SIGNALS)
def test_when_the_command_is_killed_its_runs_end_as_cancelled(
    scene: Scene, number: signal.Signals, containment: str, engine: str
) -> None:
    scene.stage("deaf", LEAVE_CHILDREN, HOLD_THE_LOCK.format(seconds=600), "2")
    scene.stage("hearing", LEAVE_CHILDREN, WAIT_FOR_WORD, "2")
    scene.environment |= {"NIGHTBOOK_CONTAINMENT": containment, "NIGHTBOOK_ENGINE": engine}
    client = scene.start("run", "--json", "-j", "2")
    runs = runs_that_wait(scene, ["deaf", "hearing"])

    client.send_signal(number)
    scene.wait_until(
        lambda: not sleepers(scene), "what the notebooks left behind to end", five_seconds() + GRACE_SECONDS
    )
    client.communicate(timeout=scene.patience_seconds)
    scene.wait_until(lambda: not scene.survivors(), "supervisors and publisher to end")

    settings = load_settings(scene.root, environment=scene.environment)
    with open_ledger(settings) as ledger:
        for name in runs:
            run = ledger.find(f"{name}@latest")
            assert (run.status.value, run.cause) == ("cancelled", "interrupted")
            assert states(run.cells) == ["succeeded", "succeeded", "failed", "not_run"]
            assert_true_notebook(scene, run.to_json())
        (parent,) = ledger.runs(kind=RunKind.PIPELINE)
        # Where a warm process carries the command out, it learns that the one that was typed is gone.
        assert parent.status.value in ({"lost", "cancelled"} if number is signal.SIGKILL else {"cancelled"})
    scene.command("sync", expect=5)
    for run in runs.values():
        assert (scene.folder(run) / "report.html").exists()
    if containment == "process_tree":
        assert told_to_mlflow(scene) == {"deaf": "KILLED", "hearing": "KILLED"}
        # What was cut off is still owed, and can be had.
        (scene.root / "notebooks" / "go").touch()
        scene.stage("deaf", LEAVE_CHILDREN.replace("600.25", "0.25"), "1", "2")
        scene.stage("hearing", LEAVE_CHILDREN.replace("600.25", "0.25"), WAIT_FOR_WORD, "2")
        resumed = json.loads(scene.command("resume", "latest", "--json")[0])
        assert {record["stage"]: record["status"] for record in resumed["runs"]} == dict.fromkeys(runs, "succeeded")
