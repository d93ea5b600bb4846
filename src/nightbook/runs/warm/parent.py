"""A warm parent: a process that has loaded what takes long, and forks itself for whoever asks on its socket.

It has one thread, serves one request after the other, and uses the time between them to load what will be wanted.
Its children are on their own: its death costs none of them anything.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from typing import TYPE_CHECKING, Protocol

from nightbook.runs.containment import become_subreaper
from nightbook.runs.warm.orders import Order, receive_order

if TYPE_CHECKING:
    from collections.abc import Collection

    from nightbook.runs.warm.preload import Preloader, Unfit

LOOK_SECONDS = 2.0
_PEER = struct.Struct("3i")


class Role(Protocol):
    """What the forks of a parent are for."""

    def load(self) -> None:
        """Load what all forks need."""

    def modules(self, order: Order) -> tuple[str, ...]:
        """What has to be loaded before the fork."""

    def serve(self, order: Order, connection: socket.socket) -> None:
        """Do what was ordered, in the fork; does not return."""

    def end_strays(self, forked: Collection[int]) -> None:
        """End what has become a child of the parent and ought not to live; `forked` are the parent's own."""


class Stay(Protocol):
    """How long a parent may stay where it listens."""

    @property
    def is_over(self) -> bool:
        """It is to end."""

    def use(self) -> None:
        """Somebody was served."""


class WarmParent:
    """Serves a listening socket.

    Args:
        listener: The socket, bound to a path in a folder that only its owner may enter.
        role: What the forks are for.
        preloader: Loads what they share.
        stay: Whether it may stay.
        idle_seconds: How long to wait for a request before it ends itself.
    """

    def __init__(
        self,
        listener: socket.socket,
        role: Role,
        preloader: Preloader,
        stay: Stay,
        *,
        idle_seconds: float,
    ) -> None:
        self._listener = listener
        self._role = role
        self._preloader = preloader
        self._stay = stay
        self._idle_seconds = idle_seconds
        self._last_served = time.monotonic()
        self._forked = set[int]()
        self._own: tuple[socket.socket | selectors.BaseSelector, ...] = (listener,)

    def serve(self) -> Unfit | None:
        """Return when there is nothing to do for long, its place is lost, or a module proves unfit: that one."""
        self._listener.settimeout(0)
        # Keepers whose own parents are gone are ours to reap: not every container has an init that does.
        become_subreaper()
        woken, waker = socket.socketpair()
        for end in (woken, waker):
            end.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            self._own = (self._listener, woken, waker, selector)
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while not self._is_over():
                ready = [key.fileobj for key, _ in selector.select(0 if self._preloader.has_more else LOOK_SECONDS)]
                if woken in ready:
                    self._reap(woken)
                unfit = None
                if self._listener in ready:
                    unfit = self._accept()
                elif self._preloader.has_more:
                    unfit = self._preloader.load_next()
                if unfit is not None:
                    return unfit
        return None

    def _is_over(self) -> bool:
        return time.monotonic() - self._last_served > self._idle_seconds or self._stay.is_over

    def _accept(self) -> Unfit | None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(LOOK_SECONDS)
                return self._answer(connection)
        return None

    def _answer(self, connection: socket.socket) -> Unfit | None:
        _, user, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        order = receive_order(connection) if user == os.getuid() else None
        if order is None:
            return None
        self._last_served = time.monotonic()
        self._stay.use()
        with contextlib.ExitStack() as stack:
            for descriptor in order.descriptors:
                stack.callback(os.close, descriptor)
            self._preloader.want(order.expected)
            unfit = self._preloader.load(self._role.modules(order))
            if unfit is None:
                self._fork(order, connection)
            return unfit

    def _fork(self, order: Order, connection: socket.socket) -> None:
        gc.freeze()
        pid = os.fork()
        if pid:
            self._forked.add(pid)
            return
        try:
            self._close_own()
            connection.settimeout(None)
            order = order.with_changed(self._preloader.changed_environment)
            self._role.serve(order, connection)
        except BaseException:  # noqa: BLE001 - nothing of the parent may go on in the child
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(1)

    def _close_own(self) -> None:
        """Leave a fork nothing with which its notebook could reach the parent."""
        signal.set_wakeup_fd(-1)
        for one in self._own:
            one.close()

    def _reap(self, woken: socket.socket) -> None:
        with contextlib.suppress(OSError):
            woken.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self._forked.discard(pid)
        self._role.end_strays(self._forked)
