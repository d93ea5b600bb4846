"""What a process has open, whether it can be read, and what of it a fork can use as well."""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WRITING = os.O_WRONLY | os.O_RDWR
_BEGINNING = os.O_CREAT | os.O_TRUNC | os.O_EXCL
_GPU = ("/dev/nvidia", "/dev/kfd", "/dev/dri")


def open_descriptors() -> dict[int, str]:
    """What each descriptor that this process has open leads to; the one by which it looks is gone again."""
    found = dict[int, str]()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names only
        with suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - no path but a description
    return found


def is_readable(descriptor: int, timeout_seconds: float = 0) -> bool:
    """Whether there is something to read, or the end, within a time; the descriptor's number may be a large one."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_seconds * 1000))


def why_not_shared(descriptor: int, target: str) -> str:
    """What a process and its fork could not both use; empty when they can.

    Args:
        descriptor: Of what a cell has opened.
        target: What it leads to, in the words of `/proc`.
    """
    if target.startswith(_GPU):
        return "the GPU is in use"
    if target.startswith("socket:"):
        return "a connection is open"
    if target.startswith("pipe:"):
        return "a pipe is open"
    flags = _flags_of_file(descriptor)
    return f"{target} is open for writing" if flags is not None and flags & _WRITING else ""


def own_files(descriptors: Iterable[int]) -> None:
    """Open what is read once more, where it stands now: a file that two processes share has one position for both."""
    for descriptor in descriptors:
        flags = _flags_of_file(descriptor)
        if flags is None:
            continue
        with suppress(OSError):
            again = os.open(f"/proc/self/fd/{descriptor}", flags & ~_BEGINNING)
            os.lseek(again, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
            os.dup2(again, descriptor, inheritable=os.get_inheritable(descriptor))
            os.close(again)


def _flags_of_file(descriptor: int) -> int | None:
    """How a file was opened; None for what is no file."""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
