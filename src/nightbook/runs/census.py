"""A run's processes, wherever they have moved: found, and ended."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

RUN_VARIABLE = "NIGHTBOOK_RUN_ID"
RUN_FOLDER = "NIGHTBOOK_RUN_FOLDER"
RUNNER_MODULE = "nightbook.runs.engine"
CHECKPOINT, CHECKPOINTS = "nightbook checkpoint", "nightbook checkpoints"
"""Titles of a fork that another run can go on from, and of the keeper whose kernel left some."""
_ROUNDS = 40
_END_POLL_SECONDS = 0.002


def is_runner(process: psutil.Process) -> bool:
    """Whether a process is our own runner, or what starts it, rather than the notebook's."""
    try:
        return RUNNER_MODULE in words_of(process)
    except psutil.Error:
        return False


def words_of(process: psutil.Process) -> list[str]:
    """A process's command line, or the title that it gave itself, in words.

    Raises:
        psutil.Error: It is gone, or not ours to ask.
    """
    return " ".join(process.cmdline()).split()


def outlives_its_run(process: psutil.Process) -> bool:
    """Whether a process is a checkpoint, or keeps one."""
    try:
        return " ".join(words_of(process)[:2]) in {CHECKPOINT, CHECKPOINTS}
    except psutil.Error:
        return False


def processes_of(run_id: str) -> list[psutil.Process]:
    """Every live process that was started within a run, wherever it has moved since; its checkpoints are left out.

    Those that have cleared their environment are found as long as a process above them bears the run's id.
    """
    processes = {process.pid: process for process in psutil.process_iter()}
    parents = {pid: _parent(process) for pid, process in processes.items()}
    within = {pid for pid, process in processes.items() if _is_marked(process, run_id)}
    kept = {pid for pid in within if outlives_its_run(processes[pid])}
    within -= kept
    # Generation by generation, until nobody is added.
    while born := {pid for pid, parent in parents.items() if parent in within and pid not in within | kept}:
        within |= born
    return [processes[pid] for pid in within if not _is_zombie(processes[pid])]


def descendants(pid: int) -> list[psutil.Process]:
    """The live descendants of a process; none when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def descendants_in_run(pid: int) -> list[psutil.Process]:
    """As `descendants`, without checkpoints and those who go on from them."""
    found = descendants(pid)
    spared = {process.pid for process in found if outlives_its_run(process)}
    for process in found:  # parents come before their children
        if _parent(process) in spared:
            spared.add(process.pid)
    return [process for process in found if process.pid not in spared]


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill without asking; those already gone are fine."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def end_processes_of(run_id: str, *, below: int | None = None, spare: Iterable[int] = ()) -> int:
    """Kill until a census finds nobody; returns how many were killed.

    Args:
        run_id: The run whose processes end, as their environment tells.
        below: A process whose descendants end too, also those that have cleared their environment.
        spare: Process ids that stay, such as the caller's own.
    """
    spared = set(spare)
    killed: set[psutil.Process] = set()
    for _ in range(_ROUNDS):
        found = {*processes_of(run_id), *(descendants(below) if below is not None else ())}
        alive = [process for process in found if process.pid not in spared and not _is_zombie(process)]
        if not alive:
            break
        kill_all(alive)
        killed.update(alive)
        psutil.wait_procs(alive, timeout=0.5)
    return len(killed)


def await_end(process: psutil.Process, *, within_seconds: float) -> bool:
    """Whether a process that need not be our child has ended in time; one that nobody has reaped yet has."""
    deadline = time.monotonic() + within_seconds
    while process.is_running() and not _is_zombie(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(_END_POLL_SECONDS)
    return True


def reap_orphans(*, spare: int) -> None:
    """Take the exit statuses of processes that a cell left to us; `spare` is the child whose status another awaits."""
    if sys.platform == "win32":  # where nobody inherits them
        return
    try:
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != spare:
            os.waitpid(ended.si_pid, os.WNOHANG)
    except ChildProcessError:
        return


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid() or None
    except psutil.Error:
        return None


def _is_marked(process: psutil.Process, run_id: str) -> bool:
    try:
        # A fork has the environment of whom it was forked from, and says by its title whose it is.
        return process.environ().get(RUN_VARIABLE) == run_id or run_id in words_of(process)
    except (psutil.Error, OSError):
        return False
