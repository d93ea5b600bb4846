"""A command in a warm process, and the process that was typed, which attends it.

What they say to each other goes over a pair of sockets: the command says its exit code, its attendant nothing. That the
attendant is gone reaches the command as a hang-up, as that of a terminal would.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.runs.warm.asking import introduced, try_to_connect
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.orders import Order, send_order
from nightbook.runs.warm.places import RUNNER, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_MODULES = ("nightbook.cli.run", "nightbook.cli.sweep", "nightbook.cli.resume", "nightbook.cli.closing")
_PATIENCE_SECONDS = 10.0


def attend(arguments: Sequence[str]) -> int | None:
    """Have a command carried out by a fork of a warm process; its exit code, or None when there is no such process.

    Raises:
        OSError: The warm process failed before it began.
    """
    try:
        connection = try_to_connect(place_of(RUNNER, os.environ))
    except StorageError:
        return None
    if connection is None:
        return None
    ours, theirs = socket.socketpair()
    with connection, ours:
        order = Order(
            surroundings=present_surroundings(),
            module=__name__,
            arguments=tuple(arguments),
            modules=_MODULES,
        )
        connection.settimeout(_PATIENCE_SECONDS)
        with theirs:
            send_order(connection, order, (0, 1, 2, theirs.fileno()))
        forked = introduced(connection)
        if forked is None:
            return None
        return _await_code(ours, forked.handle)


def _await_code(command: socket.socket, handle: int) -> int:
    for number in _PASSED_ON:
        # What is ignored, as under `nohup`, is ignored by the command too.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: _pass_on(handle, number))
    said = b""
    while chunk := command.recv(16):
        said += chunk
    select.select([handle], [], [])
    return int(said) if said else 128 + signal.SIGKILL


def _pass_on(handle: int, number: int) -> None:
    with suppress(OSError):
        signal.pidfd_send_signal(handle, number)


def main(connection: int) -> None:
    """Carry out the command line, in the fork; say the exit code."""
    stream = socket.socket(fileno=connection)
    # The operating system sends a hang-up when the other end is gone.
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETSIG, signal.SIGHUP)
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([stream], [], [], 0)[0]:
        # It was gone before the operating system was asked to tell.
        os.kill(os.getpid(), signal.SIGHUP)
    command = import_module("nightbook.cli.main")
    code = command.carry_out(sys.argv[1:])
    with suppress(OSError):
        stream.sendall(str(code).encode())
    os._exit(code)
