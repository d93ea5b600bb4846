"""Who looks after a run, and whether that process is still the same one."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

if sys.platform != "linux":
    import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorProcess:
    """A process that supervises a run.

    Attributes:
        host: Its host's name, for people.
        pid: Its process id, as seen in `pid_space`.
        pid_started_at: When it started, in the units of `process_started_at`; tells a process from a later
            one with the same id.
        pid_space: Boot and PID namespace in which `pid` means something; process ids of another space (a
            container with the same host name) are never looked up.
    """

    host: str
    pid: int
    pid_started_at: float
    pid_space: str

    @classmethod
    def this(cls) -> SupervisorProcess:
        """Describe the calling process."""
        pid = os.getpid()
        return cls(
            host=socket.gethostname(), pid=pid, pid_started_at=process_started_at(pid) or 0.0, pid_space=pid_space()
        )

    def is_in_sight(self) -> bool:
        """Whether it lives in the PID space of the calling process, so that one can look."""
        return self.pid_space == pid_space()

    def is_gone(self) -> bool:
        """True only where that can be known: it would be in sight, and there is no such process any more."""
        return self.is_in_sight() and process_started_at(self.pid) != self.pid_started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known about the care for one unfinished run.

    Attributes:
        run_id: The run.
        waits_in: The pipeline or sweep in which it waits for its turn, None once it started.
        process: Who takes care of it: its creator, later its supervisor.
        silence_seconds: Time since the last heartbeat.
    """

    run_id: str
    waits_in: str | None
    process: SupervisorProcess
    silence_seconds: float


def forsaken_runs(watches: Sequence[Watch], *, lost_after_seconds: float) -> tuple[str, ...]:
    """Name the runs that nobody looks after; `watches` holds all unfinished runs, parents before parts."""
    unfinished = {watch.run_id for watch in watches}
    forsaken: list[str] = []
    for watch in watches:
        if watch.waits_in is None:
            abandoned = watch.silence_seconds > lost_after_seconds
        else:
            abandoned = watch.waits_in in forsaken or watch.waits_in not in unfinished
        if abandoned or watch.process.is_gone():
            forsaken.append(watch.run_id)
    return tuple(forsaken)


if sys.platform == "linux":

    def process_started_at(pid: int) -> float | None:
        """When a process started, in clock ticks since boot; None when it is gone or a zombie.

        Unlike a time of day, ticks do not move when the clock is set.
        """
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The name before the last parenthesis may hold anything.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in {"Z", "X", "x"} else float(fields[19])

else:

    def process_started_at(pid: int) -> float | None:
        """When a process started, in seconds since the epoch; None when it is gone or a zombie."""
        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
        except psutil.NoSuchProcess:
            return None


def pid_space() -> str:
    """Name the boot and PID namespace of this process."""
    namespace = boot = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {namespace}".strip() or socket.gethostname()
