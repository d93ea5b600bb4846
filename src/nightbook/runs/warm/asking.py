"""Asks a warm parent for a fork, and has the parent started where there is none."""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from nightbook.runs.warm.orders import NO, Order, RefusalError, send_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.warm.places import Place

PATIENCE_SECONDS = 60.0
_TRIES = 3
_CREDENTIALS, _DESCRIPTOR = struct.Struct("3i"), struct.Struct("i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked:
    """A process that a parent forked for us.

    Attributes:
        pid: Its id; for a kernel, the id of its keeper.
        handle: A descriptor that stays this process's and is readable when it has ended.
        connection: To it; its end is the other's.
    """

    pid: int
    handle: int
    connection: socket.socket


def ask(place: Place, order: Order, descriptors: Sequence[int], environment: Mapping[str, str] | None) -> Forked | None:
    """Have a parent fork; None when no parent could be had, for which the parent's log may say why.

    Args:
        place: Which parent.
        order: What the fork is to be.
        descriptors: What goes along.
        environment: With which the parent is started, should there be none; None starts none.

    Raises:
        RefusalError: The parent says that no fork of it will do.
    """
    # Every module that proves unfit has the parent begin again: it listens all the while, and need not be started.
    deadline = time.monotonic() + _TRIES * PATIENCE_SECONDS
    for attempt in range(_TRIES + len(order.modules)):
        if time.monotonic() > deadline:
            return None
        connection = connect(place, environment if attempt < _TRIES else None)
        if connection is None:
            return None
        with ExitStack() as stack, suppress(OSError, ValueError):
            stack.enter_context(connection)
            connection.settimeout(PATIENCE_SECONDS)
            send_order(connection, order, descriptors)
            forked = introduced(connection)
            if forked is not None:
                connection.settimeout(None)
                stack.pop_all()
                return forked
    return None


def ensure_parent(place: Place, environment: Mapping[str, str]) -> None:
    """Have a parent started unless there is one; nobody waits for it."""
    connection = connect(place, environment)
    if connection is not None:
        connection.close()


def connect(place: Place, environment: Mapping[str, str] | None) -> socket.socket | None:
    """A connection to the parent, which is started when there is none; None when it cannot be."""
    if sys.platform != "linux":
        return None
    connection = try_to_connect(place)
    if connection is not None or environment is None:
        return connection
    # Loaded where one is started only: a short command mostly finds one.
    started: socket.socket | None = import_module("nightbook.runs.warm.starting").start_once(place, environment)
    return started


def try_to_connect(place: Place) -> socket.socket | None:
    """A connection to the parent; None when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    try:
        connection.connect(str(place.socket))
    except OSError:
        connection.close()
        return None
    return connection


def introduced(connection: socket.socket) -> Forked | None:
    """Read who was forked, as it says itself; None when nobody was, or nobody said so in time.

    Its id is what the operating system says of the sender: it may be in a PID namespace within another. Who is not
    waited for any longer learns of it, and does nothing.

    Raises:
        RefusalError: None is to be had.
    """
    room = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(_DESCRIPTOR.size)
    sender, handle = 0, -1
    while True:
        try:
            # No further than this: what a keeper says after it is for others to hear.
            said, ancillary, _, _ = connection.recvmsg(1, room)
        except TimeoutError:
            # From here on nobody can introduce itself; who did so at the last moment is heard.
            connection.shutdown(socket.SHUT_RD)
            continue
        break
    if said == NO:
        with connection.makefile("rb") as rest:
            raise RefusalError(rest.read().decode("utf-8", "replace"))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            sender = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            handle = _DESCRIPTOR.unpack(content[: _DESCRIPTOR.size])[0]
    return Forked(pid=sender, handle=handle, connection=connection) if handle >= 0 else None
