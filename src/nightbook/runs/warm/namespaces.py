"""A PID namespace for a process that was forked and not executed: what `unshare` does for a command."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from nightbook.runs.containment import Containment

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x8, 0x4000, 0x40000


def leave_namespace(containment: Containment) -> None:
    """Have the next child of this process be the first of a PID namespace; this process must have one thread.

    Raises:
        OSError: The machine forbids it.
    """
    flags = _CLONE_NEWPID | _CLONE_NEWNS
    user, group = os.getuid(), os.getgid()
    if containment is Containment.USER_NAMESPACE:
        flags |= _CLONE_NEWUSER
    _call("unshare", flags)
    if containment is Containment.USER_NAMESPACE:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def show_own_processes() -> None:
    """Mount a `/proc` that shows the processes of this namespace, for this namespace only.

    Raises:
        OSError: The machine forbids it.
    """
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    function = getattr(libc, name)
    if name == "mount":
        function.argtypes = [
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_char_p,
            ctypes.c_ulong,
            ctypes.c_char_p,
        ]
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
