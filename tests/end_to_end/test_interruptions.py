"""Ctrl-C, lost supervisors, all of ours killed at once, files that change and disks that fill while a run goes on."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.records import RunStatus
from nightbook.runs.sockets import socket_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any, NoReturn

    from tests.end_to_end.conftest import Scene

HOLD_THE_LOCK = "import ctypes\nopen('held', 'w').close()\nctypes.PyDLL(None).sleep(600)"
WAIT = "import os, time\nopen('waiting', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"
IMPORTS = "from nightbook import Input, Output\n"


def press_ctrl_c(scene: Scene, terminal: int, times: int, started: Path) -> str:
    """Press once a stage has started, and again when the first was heard; returns all that the terminal showed."""
    shown = b""
    scene.wait_until(started.exists, "the cell to start")
    os.write(terminal, b"\x03")
    if times > 1:
        (events,) = (scene.root / ".nightbook" / "runs").glob("*/events.jsonl")
        scene.wait_until(lambda: "stopping" in events.read_text(), "the first Ctrl-C to be heard")
        os.write(terminal, b"\x03")
    with suppress(OSError):
        while chunk := os.read(terminal, 65536):
            shown += chunk
    return shown.decode(errors="replace")


def stop_between_writes(scene: Scene, process: psutil.Process) -> None:
    """Stop a process while the ledger is free: stopped in the middle of a write, it would lock everybody out."""

    def stands_outside() -> bool:
        process.suspend()
        scene.wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "the process to stop")
        with closing(sqlite3.connect(scene.root / ".nightbook" / "ledger.sqlite", timeout=0)) as ledger:
            try:
                ledger.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                process.resume()
                return False
        return True

    scene.wait_until(stands_outside, "a moment at which the ledger is free")


@pytest.mark.parametrize(
    ("source", "times", "states"),
    [(WAIT, 1, ["succeeded", "failed", "not_run"]), (HOLD_THE_LOCK, 2, ["succeeded", "failed", "not_run"])],
    ids=["once", "twice while a cell holds the lock"],
)
def test_ctrl_c_ends_the_run_as_cancelled(scene: Scene, source: str, times: int, states: list[str]) -> None:
    scene.stage("01-long", source, "2")
    scene.stage("02-never", "1")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(scene.root)
        os.environ.update(scene.environment | {"COLUMNS": "200"})
        os.execv(sys.executable, [sys.executable, "-m", "nightbook", "run", "-j", "1"])
    began = time.monotonic()
    shown = press_ctrl_c(scene, terminal, times, scene.root / "notebooks" / ("held" if times > 1 else "waiting"))
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 130, shown
    assert time.monotonic() - began < scene.patience_seconds
    runs = scene.contact()
    assert set(runs) == {"long"}
    run = runs["long"]
    assert (run.status.value, run.cause, run.message) == ("cancelled", "interrupted", "interrupted in cell 1")
    assert [cell.status.value for cell in run.cells] == states
    assert scene.executed(run).cells[1].outputs[-1].evalue == "interrupted in cell 1"
    assert (scene.folder(run) / "report.html").exists()
    assert "Traceback" not in shown
    assert scene.survivors() == []


def test_a_run_is_lost_only_when_nobody_supervises_it_and_then_for_good(scene: Scene) -> None:
    scene.configure("heartbeat_seconds = 0.3\nlost_after_seconds = 3\n")
    scene.stage("held", HOLD_THE_LOCK)
    scene.stage("stopped", WAIT, "2")
    client = scene.start("run", "--json", "-j", "2")
    folder = scene.root / "notebooks"
    scene.wait_until(lambda: (folder / "held").exists() and (folder / "waiting").exists(), "both cells to start")
    runs = scene.recorded()
    (supervisor,) = scene.processes("supervisor", runs["stopped"])
    stop_between_writes(scene, supervisor)

    scene.wait_until(lambda: scene.contact()["stopped"].status is RunStatus.LOST, "another command to find it lost")
    scene.wait_until(lambda: not scene.processes("kernel", runs["stopped"]), "its kernel to end", 10)
    # A cell that holds Python's lock for long does not make a run lost: its supervisor is well.
    assert scene.contact()["held"].status is RunStatus.RUNNING
    lost = scene.executed(runs["stopped"])
    assert lost.metadata["nightbook"]["status"] == "lost"

    supervisor.send_signal(signal.SIGCONT)
    scene.wait_until(lambda: scene.has_ended(supervisor.pid), "the supervisor that woke up to end")
    assert scene.contact()["stopped"].status is RunStatus.LOST
    assert scene.executed(runs["stopped"]).metadata == lost.metadata
    client.send_signal(signal.SIGINT)
    output, _ = client.communicate(timeout=scene.patience_seconds)
    assert {record["stage"]: record["status"] for record in json.loads(output)["runs"]} == {
        "held": "cancelled",
        "stopped": "lost",
    }
    assert scene.survivors() == []


@pytest.mark.parametrize("engine", ["fork", "jupyter"])
@pytest.mark.parametrize("containment", ["pid_namespace", "process_tree"])
def test_when_all_of_ours_are_killed_at_once_the_next_command_tells_the_truth(
    scene: Scene, containment: str, engine: str
) -> None:
    leave = "import subprocess\nsubprocess.run(['sh', '-c', 'setsid sleep 600.75 >/dev/null 2>&1 &'])\nprint('left')"
    scene.stage("deaf", leave, HOLD_THE_LOCK, "2")
    scene.environment |= {"NIGHTBOOK_CONTAINMENT": containment, "NIGHTBOOK_ENGINE": engine}
    client = scene.start("run")
    scene.wait_until((scene.root / "notebooks" / "held").exists, "the cell to start")
    run = scene.recorded()["deaf"]
    (kernel,) = scene.processes("kernel", run)
    parts = ("command", "supervisor", "namespace", "keeper", "runner", "publisher")
    ours = [one for part in parts for one in scene.processes(part)]
    for process in (psutil.Process(client.pid), *ours):
        with suppress(psutil.Error):
            process.kill()
    client.communicate()

    everybody = [kernel.pid, *(process.pid for process in ours)]
    scene.wait_until(lambda: scene.has_ended(*everybody), "kernel and ours to end", 10)
    if containment == "process_tree" and engine == "jupyter":
        # Nobody of ours was left to end it; the next command does.
        assert [line for line in scene.survivors() if "600.75" in line]
    run = scene.contact()["deaf"]
    assert (run.status.value, run.cause) == ("lost", "lost")
    assert [cell.status.value for cell in run.cells] == ["succeeded", "succeeded", "failed", "not_run"]
    assert scene.executed(run).cells[1].outputs[0].text == "left\n"
    scene.wait_until(lambda: not scene.survivors(), "everybody to end", 10)
    assert not socket_folder(run.run_id).exists()
    scene.command("sync", expect=5)
    assert (scene.folder(run) / "report.html").exists()


def test_without_its_publisher_a_run_goes_on_and_its_report_comes_later(scene: Scene) -> None:
    # A notebook that uses MLflow itself waits for its run there: not for ever, and not for a publisher that is dead.
    scene.stage("tracked", "import sys\nif False: import mlflow")
    # Somebody listens and never answers: the publisher is at it when it is killed.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scene.environment["NIGHTBOOK_TRACKING_URI"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = scene.start("run", "--json")
        scene.wait_until(lambda: scene.processes("runner"), "the runner to start")
        (publisher,) = scene.processes("publisher")
        (writer,) = scene.processes("page writer")
        publisher.kill()
        scene.wait_until(lambda: scene.has_ended(writer.pid), "who writes its pages to end with it", 10)
        output, errors = client.communicate(timeout=scene.patience_seconds)
    assert client.returncode == 0, errors
    (record,) = json.loads(output)["runs"]
    assert record["status"] == "succeeded"
    assert record["duration_seconds"] < 30
    scene.environment["NIGHTBOOK_TRACKING_URI"] = "http://127.0.0.1:9"
    scene.command("sync", expect=5)
    assert (scene.folder(record) / "report.html").exists()


def test_without_its_page_writer_the_publisher_writes_the_report(scene: Scene) -> None:
    scene.stage("waits", WAIT)
    client = scene.start("run", "--json")
    scene.wait_until((scene.root / "notebooks" / "waiting").exists, "the cell to start")
    (writer,) = scene.processes("page writer")
    writer.kill()
    (scene.root / "notebooks" / "go").touch()
    output, _ = client.communicate(timeout=scene.patience_seconds)
    (record,) = json.loads(output)["runs"]
    assert (scene.root / record["report"]).exists()


def test_a_ledger_that_goes_away_for_a_while_costs_no_run(scene: Scene, start_postgresql: Callable[[], Any]) -> None:
    server = start_postgresql()
    scene.environment["NIGHTBOOK_LEDGER"] = server.get_uri()
    scene.stage("first", WAIT, "open(made, 'w').write('1')", declares=f'{IMPORTS}made: Output = "../data/made.txt"')
    scene.stage("second", "print(open(made).read())", declares=f'{IMPORTS}made: Input = "../data/made.txt"')
    client = scene.start("run", "--json")
    scene.wait_until((scene.root / "notebooks" / "waiting").exists, "the cell to start")
    server.stop()
    (scene.root / "notebooks" / "go").touch()
    scene.wait_until((scene.root / "data" / "made.txt").exists, "the notebook to end")
    scene.wait_until(lambda: not scene.processes("runner"), "the runner to end")
    server.start()
    output, errors = client.communicate(timeout=2 * scene.patience_seconds)
    assert client.returncode == 0, errors
    records = json.loads(output)["runs"]
    assert [record["status"] for record in records] == ["succeeded", "succeeded"]
    assert all((scene.root / record["report"]).exists() for record in records)


def test_what_changes_while_a_run_goes_on_does_not_change_what_ran(scene: Scene) -> None:
    declares = 'from nightbook import Input, Output\nread: Input = "read.txt"\nmade: Output = "../data/made.txt"'
    scene.stage("copy", WAIT, "open(made, 'w').write(open(read).read())", declares=declares)
    (scene.root / "notebooks" / "read.txt").write_text("one")
    client = scene.start("run", "--json")
    scene.wait_until((scene.root / "notebooks" / "waiting").exists, "the cell to start")
    scene.stage("copy", WAIT, "open(made, 'w').write('changed')", declares=declares)
    (scene.root / "notebooks" / "read.txt").write_text("two")
    (scene.root / "notebooks" / "go").touch()
    output, errors = client.communicate(timeout=scene.patience_seconds)

    assert client.returncode == 0, errors
    (record,) = json.loads(output)["runs"]
    assert (scene.root / "data" / "made.txt").read_text() == "two"
    assert "notebooks/read.txt changed while it ran: the result will not be reused" in record["message"]
    assert "open(read)" in scene.executed(record).cells[2].source
    (again,) = scene.run()
    assert again["status"] == "succeeded"
    assert (scene.root / "data" / "made.txt").read_text() == "changed"
    assert scene.run() == []


@pytest.fixture
def small_disk(tmp_path: Path, missing: Callable[[str], NoReturn]) -> Iterator[Path]:
    """A file system of twelve megabytes; only root may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        missing("right to mount a small file system: only root has it")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_fails_the_run_and_leaves_no_half_notebook(scene: Scene, small_disk: Path) -> None:
    scene.root = small_disk
    fill = "open('filler', 'wb').write(bytes(50_000_000))"
    scene.stage("fills", "print('before')", "open('filling', 'w').close()", fill, "print('never')")
    process = scene.start("run", "--json")
    scene.wait_until((small_disk / "notebooks" / "filling").exists, "the disk to be filled")
    # Whoever notices first says so; the run's end is recorded as soon as there is room for it.
    scene.wait_until(lambda: not scene.processes("runner"), "the runner to end")
    (small_disk / "notebooks" / "filler").unlink()
    _, errors = process.communicate(timeout=2 * scene.patience_seconds)
    assert process.returncode in {1, 2}, errors
    assert "Traceback" not in errors
    scene.wait_until(lambda: not scene.survivors(), "everybody to end")
    run = scene.contact()["fills"]
    assert run.status is RunStatus.FAILED
    assert "space" in run.message
    if run.executed_notebook is None:
        assert not (scene.folder(run) / "executed.ipynb").exists()
    else:
        scene.executed(run)


def test_an_output_folder_that_cannot_be_made_is_told_before_anything_starts(scene: Scene) -> None:
    scene.stage("makes", "1", declares='from nightbook import Output\nmade: Output = "../data/made.txt"')
    (scene.root / "data").write_text("a file where a folder is to be")
    _, errors = scene.command("run", expect=2)
    assert "data" in errors
    assert "Traceback" not in errors
    assert scene.contact() == {}


def test_a_containment_that_cannot_be_had_is_refused_and_auto_takes_the_next(scene: Scene, tmp_path: Path) -> None:
    scene.stage("plain", "import os\nprint(os.getppid() == 1)")
    scene.environment |= {"PATH": str(tmp_path / "nothing"), "NIGHTBOOK_CONTAINMENT": "pid_namespace"}
    _, errors = scene.command("run", expect=2)
    assert "this machine allows no PID namespaces" in errors
    assert scene.contact() == {}
    scene.environment["NIGHTBOOK_CONTAINMENT"] = "auto"
    (record,) = scene.run()
    assert scene.executed(record).cells[1].outputs[0].text == "False\n"
