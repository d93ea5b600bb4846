"""No process of a run outlives it: how its processes are held together, found and ended.

Where Linux allows a PID namespace, the kernel itself ends everything in it when the supervisor dies, however it dies. Elsewhere
the runner and the notebook's kernel die with their parents, and what a cell started is found by the run's id in its
environment, by the supervisor, or by the next `nightbook` command when the supervisor was killed too.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUN_VARIABLE = "NIGHTBOOK_RUN_ID"
RUNNER_MODULE = "nightbook.runs.engine"
_PR_SET_CHILD_SUBREAPER = 36
_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
_USER_NAMESPACE = (_NAMESPACE[0], "--user", "--map-current-user", *_NAMESPACE[1:])
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


class Containment(StrEnum):
    """Which guarantee holds that nothing survives a run."""

    NAMESPACE = "pid_namespace"
    """The operating system ends every process, even when all of ours are killed at once."""
    USER_NAMESPACE = "user_pid_namespace"
    """The same, without needing root."""
    PROCESS_TREE = "process_tree"
    """The supervisor ends every process; when it is killed, the next command does."""


@lru_cache(maxsize=1)
def available_containment() -> Containment:
    """The strongest containment that this machine allows, found by trying."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return Containment.PROCESS_TREE
    for containment, prefix in ((Containment.NAMESPACE, _NAMESPACE), (Containment.USER_NAMESPACE, _USER_NAMESPACE)):
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return containment
    return Containment.PROCESS_TREE


def contained_command(command: Sequence[str], containment: Containment) -> list[str]:
    """The command with what keeps its processes together put in front."""
    if containment is Containment.NAMESPACE:
        return [*_DIE_WITH_PARENT, *_NAMESPACE, *command]
    if containment is Containment.USER_NAMESPACE:
        return [*_DIE_WITH_PARENT, *_USER_NAMESPACE, *command]
    return die_with_parent(command)


def die_with_parent(command: Sequence[str]) -> list[str]:
    """The command, ended by the operating system when its parent ends; unchanged where that cannot be had."""
    if sys.platform.startswith("linux") and shutil.which("setpriv") is not None:
        return [*_DIE_WITH_PARENT, *command]
    return list(command)


def become_subreaper() -> None:
    """Orphans of this process's descendants become its children, so that it can find and end them. Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def is_runner(process: psutil.Process) -> bool:
    """Whether a process is our own runner, or what starts it, rather than the notebook's."""
    try:
        return RUNNER_MODULE in process.cmdline()
    except psutil.Error:
        return False


def processes_of(run_id: str) -> list[psutil.Process]:
    """Every live process that was started within a run, wherever it has moved since."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_VARIABLE) == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def descendants(pid: int) -> list[psutil.Process]:
    """The live descendants of a process; none when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Kill without asking; those already gone are fine."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue


def end_processes_of(run_id: str, *, spare: Iterable[int] = ()) -> int:
    """Kill until a census finds nobody; returns how many were killed.

    Args:
        run_id: The run whose processes end.
        spare: Process ids that stay, such as the caller's own.
    """
    spared = set(spare)
    killed = 0
    for _ in range(20):
        alive = [process for process in processes_of(run_id) if process.pid not in spared]
        if not alive:
            break
        kill_all(alive)
        killed += len(alive)
        psutil.wait_procs(alive, timeout=1)
    return killed


def count_memory_kills() -> int:
    """How often the operating system has killed a process for memory, on this machine or in this container."""
    total = 0
    for path, key in (
        (Path("/proc/vmstat"), "oom_kill"),
        (Path("/sys/fs/cgroup/memory.events"), "oom_kill"),
        (Path("/sys/fs/cgroup/memory/memory.oom_control"), "oom_kill"),
    ):
        try:
            lines = path.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.split()[:1] == [key])
    return total


def memory_of(processes: Iterable[psutil.Process]) -> int:
    """Resident bytes of some processes together; a page that two share counts twice."""
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def proportional_memory_of(processes: Iterable[psutil.Process]) -> int:
    """As `memory_of`, with shared pages divided among their users: slower, asked before anybody is killed for it."""
    total = 0
    for process in processes:
        try:
            full = process.memory_full_info()
        except (psutil.Error, OSError):
            continue
        total += getattr(full, "pss", full.rss)
    return total


def peak_memory_of(processes: Iterable[psutil.Process]) -> int:
    """The most that any one of the processes ever held, as Linux remembers it; 0 elsewhere."""
    most = 0
    for process in processes:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        most = max([most, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))])
    return most
