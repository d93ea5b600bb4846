"""Pipes that a selector can wait for.

POSIX waits for the pipe itself. Windows waits for sockets only: there a thread passes on what comes to a pair of them.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from nightbook.systems import IS_WINDOWS

if TYPE_CHECKING:
    import selectors
    from collections.abc import Iterator

_CHUNK_BYTES = 65536
_LAST_WORDS_SECONDS = 1.0


class Incoming(Protocol):
    """The end of a pipe at which things come out."""

    def fileno(self) -> int:
        """What a selector waits for."""

    def read(self) -> bytes | None:
        """What has come, without waiting; empty at the end of the pipe, None when nothing has."""

    def rest(self) -> Iterator[bytes]:
        """What was said before whoever says it ended, also when somebody still holds the other end."""

    def close(self) -> None:
        """Let go of what stands for the pipe; the pipe is its owner's to close."""


def incoming(descriptor: int) -> Incoming:
    """What comes through a pipe, from now on through this object only."""
    return PassedOn(descriptor) if IS_WINDOWS else Direct(descriptor)


def incoming_orders() -> Incoming:
    """What comes through standard input, of which the processes that this one starts have nothing."""
    if not IS_WINDOWS:
        return Direct(0)
    # A process that inherits a pipe is stuck for as long as a thread of this one waits for it.
    own = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 0)
    return PassedOn(own)


class Direct:
    """The pipe itself."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """See `Incoming`."""
        return self._descriptor

    def read(self) -> bytes | None:
        """See `Incoming`."""
        try:
            return os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return None

    def rest(self) -> Iterator[bytes]:
        """See `Incoming`."""
        with suppress(OSError):
            while chunk := self.read():
                yield chunk

    def close(self) -> None:
        """See `Incoming`."""


class PassedOn:
    """A socket to which a thread passes on what comes through the pipe."""

    def __init__(self, descriptor: int) -> None:
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(0)
        threading.Thread(target=_pass_on, args=(descriptor, theirs), name="nightbook pipe", daemon=True).start()

    def fileno(self) -> int:
        """See `Incoming`."""
        return self._ours.fileno()

    def read(self) -> bytes | None:
        """See `Incoming`."""
        try:
            return self._ours.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return None

    def rest(self) -> Iterator[bytes]:
        """See `Incoming`; what is still on its way through the thread is waited for, a second at most."""
        self._ours.settimeout(_LAST_WORDS_SECONDS)
        with suppress(OSError):
            while chunk := self._ours.recv(_CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """See `Incoming`."""
        self._ours.close()


def _pass_on(descriptor: int, theirs: socket.socket) -> None:
    with theirs, suppress(OSError):
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            theirs.sendall(chunk)


def await_any(selector: selectors.BaseSelector, timeout_seconds: float) -> list[selectors.SelectorKey]:
    """Those that have news within the time; where nothing is registered the time passes."""
    if not selector.get_map():
        # Windows takes it for a mistake to wait for nothing.
        time.sleep(timeout_seconds)
        return []
    return [key for key, _ in selector.select(timeout_seconds)]


def never_wait(descriptor: int) -> None:
    """Have a write to a full pipe fail at once, where the operating system can."""
    set_blocking: Any = getattr(os, "set_blocking", None)  # Windows has it since Python 3.12
    if set_blocking is not None:
        set_blocking(descriptor, False)
