"""A process of ours, forked from a warm parent where one can be had, started as a program where not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.runs.process import command_for
from nightbook.runs.warm.asking import connect, introduced
from nightbook.runs.warm.descriptors import is_readable
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.orders import Order, send_order
from nightbook.runs.warm.places import IDLE, place_of
from nightbook.systems import DETACHED

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_SECONDS = 60.0


class WarmProcess:
    """Runs `main` of a module, in a session of its own.

    A parent that is still being started is not waited for: the order waits in its socket.

    Args:
        kind: Of the parent.
        command: The module and its arguments.
        descriptors: Its standard input, output and error.
        working_directory: Absolute.
        idle_seconds: How long the parent waits for work, should it be started for this.
    """

    def __init__(
        self,
        kind: str,
        command: tuple[str, ...],
        *,
        descriptors: Sequence[int],
        working_directory: str,
        idle_seconds: float,
    ) -> None:
        self._idle_seconds = idle_seconds
        self._command = command
        # As they are now, also if it begins later.
        self._surroundings = present_surroundings(working_directory)
        self._pid = 0
        self._handle = -1
        self._cold: subprocess.Popen[bytes] | None = None
        # Kept until somebody has them: should the parent fail, another process gets them.
        self._descriptors = [os.dup(one) for one in descriptors]
        self._connection = self._order(kind)
        if self._connection is None:
            self._start()

    @property
    def pid(self) -> int:
        """Its process id; waits until there is a process."""
        self.await_begin()
        return self._pid

    def await_begin(self) -> None:
        """Return when there is a process; what was given to it is its alone from then on."""
        while not self._pid:
            self._hear(PATIENCE_SECONDS)

    def poll(self) -> bool:
        """Whether it has ended."""
        if not self._pid:
            self._hear(0)
        return bool(self._pid) and self._has_ended(0)

    def wait(self) -> None:
        """Return when it has ended."""
        while not (self.pid and self._has_ended(PATIENCE_SECONDS)):
            pass

    def fileno(self) -> int:
        """A descriptor that is readable when there is news of it."""
        if self._connection is not None:
            return self._connection.fileno()
        return self._handle

    def _order(self, kind: str) -> socket.socket | None:
        if not sys.platform.startswith("linux"):
            return None
        order = Order(
            surroundings=self._surroundings,
            module=self._command[0],
            arguments=self._command[1:],
        )
        with ExitStack() as stack, suppress(OSError, StorageError):
            environment = {**os.environ, IDLE: str(self._idle_seconds)}
            connection = connect(place_of(kind, os.environ), environment)
            if connection is not None:
                stack.enter_context(connection)
                send_order(connection, order, self._descriptors)
                stack.pop_all()
                return connection
        return None

    def _hear(self, timeout_seconds: float) -> None:
        """Learn who it is; a parent that failed has been asked in vain."""
        connection = self._connection
        assert connection is not None  # noqa: S101 - without one a process has been started
        if not is_readable(connection.fileno(), timeout_seconds):
            if timeout_seconds:
                # Whoever is forked from now on learns that nobody waits for it.
                connection.shutdown(socket.SHUT_RD)
                self._take(connection)
            return
        self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        forked = None
        with suppress(OSError):
            forked = introduced(connection)
        if forked is None:
            self._start()
            return
        self._pid, self._handle = forked.pid, forked.handle
        self._let_go()

    def _start(self) -> None:
        given, taken, complained = self._descriptors
        self._cold = subprocess.Popen(
            command_for(*self._command),
            stdin=given,
            stdout=taken,
            stderr=complained,
            cwd=self._surroundings.working_directory,
            env=dict(self._surroundings.environment),
            umask=self._surroundings.umask,
            **DETACHED,
        )
        self._pid = self._cold.pid
        if hasattr(os, "pidfd_open"):
            self._handle = os.pidfd_open(self._pid)
        self._let_go()

    def _let_go(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _has_ended(self, timeout_seconds: float) -> bool:
        if self._cold is not None:
            if timeout_seconds:
                with suppress(subprocess.TimeoutExpired):
                    self._cold.wait(timeout_seconds)
            return self._cold.poll() is not None
        # One that was let go had ended.
        return self._handle < 0 or is_readable(self._handle, timeout_seconds)

    def leave(self) -> None:
        """Let it end by itself; one that was started as a program is this process's to see off."""
        if self._cold is not None:
            self.wait()
        self.close()

    def close(self) -> None:
        """Release what is known of a process that has ended."""
        self._let_go()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
