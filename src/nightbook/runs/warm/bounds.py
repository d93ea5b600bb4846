"""What the operating system grants a process: what a fork can be given anew, and what it has for good."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.machine import processors

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

if sys.platform == "win32":
    _LIMITS: dict[str, int] = {}
else:
    _LIMITS = {
        name: int(getattr(resource, name))
        for name in sorted(vars(resource))
        if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"  # another name for the number of files
    }
_LAID_OUT_BY = "RLIMIT_STACK"
"""Where a program's memory lies and how large its threads' stacks are follows from this one when it is started."""
_KEPT_BY_PARENTS = frozenset({_LAID_OUT_BY, "RLIMIT_CORE"})
_STATUS, _OUT_OF_MEMORY = Path("/proc/self/status"), Path("/proc/self/oom_score_adj")
_RIGHTS = (b"Uid:", b"Gid:", b"Groups:", b"Cap", b"NoNewPrivs:", b"Seccomp:")


def soft_limits() -> dict[str, int]:
    """The limits that hold for this process and that it may change itself, by their names in `resource`."""
    return {name: resource.getrlimit(number)[0] for name, number in _LIMITS.items()}


def for_good() -> str:
    """What this process could not change for a fork of its own without the right to, or not any more.

    Its right to run before others, its rights, its hard limits, and how its memory is laid out.
    """
    told = [os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), resource.getrlimit(_LIMITS[_LAID_OUT_BY])[0]]
    hard = [resource.getrlimit(number)[1] for number in _LIMITS.values()]
    rights = [line.decode() for line in _read(_STATUS).splitlines() if line.startswith(_RIGHTS)]
    return " ".join([*map(str, told), *map(str, hard), _read(_OUT_OF_MEMORY).decode(), *rights])


def control_group() -> str:
    """The groups of processes, such as a service or a login, with which this one shares what they are granted."""
    return _read(Path("/proc/self/cgroup")).decode(errors="surrogateescape")


def take(limits: Mapping[str, int], cores: Collection[int]) -> None:
    """Have these soft limits, as far as the hard ones allow, and run on these processors."""
    for name, wanted in limits.items():
        soft, hard = resource.getrlimit(_LIMITS[name])
        if soft != wanted:
            resource.setrlimit(_LIMITS[name], (_lower(wanted, hard), hard))
    if cores and set(cores) != set(processors()):
        with suppress(OSError):  # none of them is there any more
            os.sched_setaffinity(0, cores)


def bound_memory(memory_bytes: int, pid: int = 0) -> None:
    """Have a process, this one unless another is named, hold at most so much data; a lower limit that it has stays."""
    if sys.platform != "linux":
        return
    soft, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
    resource.prlimit(pid, resource.RLIMIT_DATA, (_lower(memory_bytes, soft), _lower(memory_bytes, hard)))


def rise() -> None:
    """Let no soft limit of whoever started this process hinder it: its forks get those of whoever asks for them."""
    take({name: resource.getrlimit(_LIMITS[name])[1] for name in _LIMITS.keys() - _KEPT_BY_PARENTS}, ())


def _lower(one: int, other: int) -> int:
    bounds = [bound for bound in (one, other) if bound != resource.RLIM_INFINITY]
    return min(bounds, default=resource.RLIM_INFINITY)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
