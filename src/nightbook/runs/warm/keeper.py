"""Keeps a kernel and whatever its cells start together: nothing of it outlives the keeper.

A keeper is a fork of the warm parent, and the kernel a fork of the keeper. In a PID namespace the keeper is its first
process, so that the operating system ends all others with it. It listens to whoever asked for the kernel: `i`
interrupts, `k` kills, the end of the connection ends everything. When the kernel has ended it says how, in JSON.

Checkpoints that the kernel left (`c` says that there are some) outlive it, and whoever goes on from them outlives them:
the keeper stays until the last of these has ended.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psutil
from setproctitle import getproctitle, setproctitle

from nightbook.runs.census import CHECKPOINT, CHECKPOINTS, descendants, kill_all, words_of
from nightbook.runs.containment import Containment, become_subreaper, end_with_parent
from nightbook.runs.warm.descriptors import open_descriptors
from nightbook.runs.warm.namespaces import leave_namespace, show_own_processes
from nightbook.runs.warm.orders import introduce_yourself

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

TITLE, TRUNK_TITLE, KERNEL_TITLE = "nightbook keeper", "nightbook trunk", "nightbook kernel"
BOOT = "nightbook.runs.warm.boot"
INTERRUPT, KILL, KEEP = b"i", b"k", b"c"
_ROUNDS = 20


def keep(connection: socket.socket, containment: Containment, be_kernel: Callable[[], None]) -> NoReturn:
    """Be the keeper, in a process just forked for it; says first that it is there.

    Args:
        connection: To whoever asked for the kernel.
        containment: How the kernel's processes are held together.
        be_kernel: Called in the kernel's process.
    """
    if containment is not Containment.PROCESS_TREE:
        leave_namespace(containment)
        if os.fork():
            os._exit(0)
        show_own_processes()
    else:
        become_subreaper()
    introduce_yourself(connection)
    Keeper(connection, _fork_kernel(connection, be_kernel), containment).run()
    os._exit(0)


def end_strays(forked: Collection[int]) -> None:
    """End what has become a child of the warm parent because its keeper was killed.

    Args:
        forked: The parent's own forks; keepers that are the first of a namespace, and other parents, are nobody's
            strays either.
    """
    kill_all(_strays(forked))


def _strays(forked: Collection[int] = ()) -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        words = list[str]()
        with suppress(psutil.Error):
            words = words_of(child)
        if child.pid not in forked and not _is_on_its_own(words) and not _is_in_another_namespace(child.pid):
            # One that is just ending says nothing of itself: who is below it becomes ours, and is judged then.
            found += [*(descendants(child.pid) if words else ()), child]
    return found


def _is_in_another_namespace(pid: int) -> bool:
    """Whether it is the first process of a PID namespace below ours: a keeper, whatever it says of itself just now."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink()
    return False


def _is_on_its_own(words: list[str]) -> bool:
    """Whether it is a keeper, a trunk, a checkpoint, or a parent that one of the forks has started."""
    is_parent = words[:1] == ["nightbook"] and words[2:3] == ["parent"]
    return " ".join(words[:2]) in {TITLE, TRUNK_TITLE, CHECKPOINT, CHECKPOINTS} or is_parent or BOOT in words


def _fork_kernel(connection: socket.socket, be_kernel: Callable[[], None]) -> int:
    keeper = os.getpid()
    # Until the kernel has its own handlers a signal is not to reach those of the parent that it was forked from.
    pid = os.fork()
    if pid:
        return pid
    try:
        connection.close()
        end_with_parent(keeper)
        os.setsid()
        be_kernel()
    except BaseException:  # noqa: BLE001 - nothing of the keeper may go on in its child
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(1)


class Keeper:
    """Waits for the kernel's end or the asker's word, whichever comes first.

    Args:
        connection: To whoever asked for the kernel.
        kernel_pid: The kernel, as this process sees it.
        containment: How the kernel's processes are held together.
    """

    def __init__(self, connection: socket.socket, kernel_pid: int, containment: Containment) -> None:
        self._connection = connection
        self._kernel_pid = kernel_pid
        self._containment = containment
        self._is_over = self._has_checkpoints = False
        self._returncode: int | None = None

    def run(self) -> None:
        """Return when nothing that belongs to the kernel is left."""
        woken, waker = socket.socketpair()
        for end in (woken, waker, self._connection):
            end.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # A cell may send it to whom it takes for the system's first process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            self._reap()  # it may have ended before anybody listened
            while not self._is_over:
                for key, _ in selector.select():
                    if key.fileobj is woken:
                        woken.recv(4096)
                        self._reap()
                    else:
                        self._listen()
        signal.set_wakeup_fd(-1)
        self._listen()  # to what was said before the kernel ended
        self._end_all()
        _say(self._connection, returncode=self._returncode)
        if self._has_checkpoints:
            _outstay()

    def _listen(self) -> None:
        try:
            command = self._connection.recv(64)
        except BlockingIOError:
            return
        except OSError:
            command = b""
        if KEEP in command and not self._has_checkpoints:
            self._has_checkpoints = True
            setproctitle(f"{CHECKPOINTS} {getproctitle().rpartition(' ')[2]}")
        if INTERRUPT in command:
            self._signal(signal.SIGINT)
        if not command or KILL in command:
            self._signal(signal.SIGKILL)
            self._is_over = True

    def _signal(self, number: signal.Signals) -> None:
        with suppress(OSError):
            os.killpg(self._kernel_pid, number)

    def _reap(self) -> None:
        """Take the exit statuses of the kernel and of whatever its cells left to us."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._kernel_pid:
                    self._returncode = os.waitstatus_to_exitcode(ended[1])
                    self._is_over = True

    def _end_all(self) -> None:
        """Leave nobody behind; in a PID namespace the operating system sees to it as soon as we are gone."""
        if self._containment is not Containment.PROCESS_TREE and not self._has_checkpoints:
            self._reap()
            return
        for _ in range(_ROUNDS):
            left = _strays()
            if not left:
                return
            kill_all(left)
            with suppress(ChildProcessError):
                os.waitpid(-1, 0)
            self._reap()


def _outstay() -> None:
    """Stay for checkpoints and for kernels that go on from them; who waits for our kernel's end is not kept waiting."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in open_descriptors():
        os.dup2(nowhere, descriptor)
    with suppress(ChildProcessError):  # none is left
        while True:
            end_strays(())
            os.waitpid(-1, 0)


def _say(connection: socket.socket, **words: object) -> None:
    with suppress(OSError):
        connection.sendall(json.dumps(words).encode() + b"\n")
