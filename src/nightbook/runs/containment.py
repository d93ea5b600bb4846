"""How a run's processes are held together, so that none outlives it.

Where Linux allows a PID namespace, the kernel itself ends everything in it when the supervisor dies, however it dies.
Elsewhere whoever of supervisor and runner outlives the other ends what the notebook started; should both be killed at
the same moment, the notebook's kernel ends with them, and what a cell started is found, by the run's id in its
environment, by the next command.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from nightbook.errors import SettingsError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Sequence

ANY = "auto"
_PR_SET_PDEATHSIG = 1
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
    """Supervisor or runner ends every process; when both are killed, the next command does."""


def choose_containment(wanted: str = ANY) -> Containment:
    """The strongest containment that this machine allows, or the one that the settings ask for.

    Raises:
        SettingsError: The settings ask for a PID namespace and this machine allows none.
    """
    if wanted == Containment.PROCESS_TREE:
        return Containment.PROCESS_TREE
    strongest = _strongest_containment(os.environ.get("PATH", ""))
    if wanted != ANY and strongest is Containment.PROCESS_TREE:
        raise SettingsError(
            f'containment = "{wanted}", but this machine allows no PID namespaces',
            remedy='containment = "auto", or allow unprivileged user namespaces',
        )
    return strongest


@lru_cache(maxsize=1)
def _strongest_containment(path: str) -> Containment:
    del path  # where the programs are looked for: another one may lead to another answer
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
    # The runner shall outlive a supervisor that is killed: by the moment that it takes to end everything else.
    return list(command)


def die_with_parent(command: Sequence[str]) -> list[str]:
    """The command, ended by the operating system when its parent ends; unchanged where that cannot be had."""
    if sys.platform.startswith("linux") and shutil.which("setpriv") is not None:
        return [*_DIE_WITH_PARENT, *command]
    return list(command)


def become_subreaper() -> None:
    """Orphans of this process's descendants become its children, so that it can find and end them. Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent(parent_pid: int) -> None:
    """Have the operating system end this process when its parent ends, or has ended meanwhile. Linux only.

    Args:
        parent_pid: Who the parent was when this process was made.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(0)


def end_with_peer(descriptor: int) -> None:
    """Have the operating system end this process when a connection's other end is closed or says a word. Linux only.

    Args:
        descriptor: Our end.
    """
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)


def outlive_peer(descriptor: int) -> None:
    """Undo `end_with_peer`: from now on this process listens itself."""
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~os.O_ASYNC)
