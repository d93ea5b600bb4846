from __future__ import annotations

import os
import subprocess
import sys
import uuid

import psutil

from nightbook.runs.census import (
    RUN_VARIABLE,
    RUNNER_MODULE,
    descendants,
    descendants_in_run,
    end_processes_of,
    is_runner,
    kill_all,
    outlives_its_run,
    processes_of,
    reap_orphans,
)

# Starts a child in a session of its own and says when it is there.
PARENT = "import subprocess; print(subprocess.Popen(['sleep', '300'], start_new_session=True).pid, flush=True); input()"


def start(run_id: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, RUN_VARIABLE: run_id},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_runs_processes_are_found_and_ended_wherever_they_moved() -> None:
    run_id = uuid.uuid4().hex
    process, child = start(run_id)
    assert {one.pid for one in processes_of(run_id)} == {process.pid, child}
    assert end_processes_of(run_id) == 2
    process.communicate()
    assert processes_of(run_id) == []
    assert end_processes_of(run_id) == 0


def test_checkpoints_and_who_goes_on_from_them_are_left_alone() -> None:
    run_id = uuid.uuid4().hex
    code = f"from setproctitle import setproctitle\nsetproctitle('nightbook checkpoint {run_id}')\n{PARENT}"
    inner = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])"
    environment = {**os.environ, RUN_VARIABLE: run_id}
    process = subprocess.Popen(
        [sys.executable, "-c", inner], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    guest = int(process.stdout.readline())
    checkpoint = psutil.Process(guest).parent()
    assert checkpoint is not None
    assert outlives_its_run(checkpoint)
    assert not outlives_its_run(psutil.Process(process.pid))
    assert {one.pid for one in descendants(process.pid)} == {checkpoint.pid, guest}
    assert descendants_in_run(process.pid) == []
    assert checkpoint.pid not in {one.pid for one in processes_of(run_id)}
    kill_all([psutil.Process(guest), checkpoint])
    process.communicate()
    assert not outlives_its_run(checkpoint)


def test_who_is_spared_stays() -> None:
    run_id = uuid.uuid4().hex
    process, child = start(run_id)
    end_processes_of(run_id, spare=[process.pid])
    assert process.poll() is None
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    process.communicate("\n")


def test_descendants_of_a_process_and_of_none() -> None:
    process, child = start(uuid.uuid4().hex)
    assert [one.pid for one in descendants(process.pid)] == [child]
    kill_all([psutil.Process(child), psutil.Process(process.pid)])
    process.communicate()
    assert descendants(process.pid) == []


def test_our_own_runner_is_told_from_the_notebooks_processes() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()", RUNNER_MODULE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        # A process that is just being started has no command line yet.
        assert runner.stdout.readline() == b"\n"
        assert is_runner(psutil.Process(runner.pid))
        assert not is_runner(psutil.Process())
        runner.communicate(b"\n")


def test_the_awaited_child_is_left_to_whoever_awaits_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    reap_orphans(spare=process.pid)
    assert process.wait() == 0


def test_a_process_without_environment_is_found_below_one_that_bears_the_run() -> None:
    run_id = uuid.uuid4().hex
    leave = "env -i $(command -v sleep) 600 >/dev/null 2>&1 & echo $!; wait"
    environment = {**os.environ, RUN_VARIABLE: run_id}
    with subprocess.Popen(["sh", "-c", leave], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert {one.pid for one in processes_of(run_id)} == {parent.pid, child}
        assert end_processes_of(run_id) == 2
