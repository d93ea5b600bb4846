"""How much memory a run's processes hold, and whether the operating system killed one for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable


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
    """As `memory_of`, with shared pages divided among their users: slower, asked before anybody is killed for it.

    Linux alone tells who shares a page; elsewhere it counts for each of them.
    """
    if not sys.platform.startswith("linux"):
        return memory_of(processes)
    total = 0
    for process in processes:
        try:
            full = process.memory_full_info()
        except (psutil.Error, OSError):
            continue
        total += full.pss
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
