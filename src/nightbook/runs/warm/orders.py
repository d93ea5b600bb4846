"""What a warm parent is asked for, over its socket: JSON of known length, with the descriptors that go along."""

from __future__ import annotations

import json
import os
import socket
import struct
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from nightbook.runs.warm.isolation import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LENGTH = struct.Struct(">I")
HERE_I_AM, NO = b".", b"!"
_MOST_DESCRIPTORS = 8


class RefusalError(Exception):
    """What was ordered would not be as a fresh process is; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One fork, and what it is to be.

    Attributes:
        surroundings: What it starts with.
        module: The module whose `main` it calls; a kernel calls none.
        arguments: What that finds in `sys.argv`.
        containment: How a kernel's processes are held together.
        modules: What is loaded before the fork.
        expected: What will be asked for later: loaded when there is time.
        descriptors: What came along; numbers of the process that holds the order.
    """

    surroundings: Surroundings
    module: str = ""
    arguments: tuple[str, ...] = ()
    containment: str = ""
    modules: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = field(default=())

    def with_changed(self, environment: Mapping[str, str]) -> Order:
        """The order, with what imports have set in the parent's environment below what was asked for."""
        return replace(self, surroundings=replace(self.surroundings, changed_by_imports=dict(environment)))


def send_order(connection: socket.socket, order: Order, descriptors: Sequence[int]) -> None:
    """Ask for a fork.

    Args:
        connection: To the parent.
        order: What the fork is to be; its own descriptors are left out.
        descriptors: What goes along.

    Raises:
        OSError: The parent is gone.
    """
    body = json.dumps(asdict(replace(order, descriptors=()))).encode("utf-8", "surrogateescape")
    message = _LENGTH.pack(len(body)) + body
    sent = socket.send_fds(connection, [message], list(descriptors))
    if sent < len(message):
        # To send nothing would fail where the fork has answered and let go already: it would be taken for no fork.
        connection.sendall(message[sent:])


def receive_order(connection: socket.socket) -> Order | None:
    """What was asked for; None when whoever asked thought better of it, or what they say makes no sense."""
    received = b""
    descriptors: list[int] = []
    with suppress(OSError, EOFError, ValueError, TypeError, KeyError, RecursionError):
        while len(received) < _LENGTH.size or len(received) < _LENGTH.size + _LENGTH.unpack_from(received)[0]:
            chunk, more, _, _ = socket.recv_fds(connection, 1 << 16, _MOST_DESCRIPTORS)
            descriptors += more
            if not chunk:
                raise EOFError
            received += chunk
        fields = json.loads(received[_LENGTH.size :].decode("utf-8", "surrogateescape"))
        fields["surroundings"] = Surroundings(**fields["surroundings"])
        for name in ("arguments", "modules", "expected"):
            fields[name] = tuple(map(str, fields[name]))
        return Order(**{**fields, "descriptors": tuple(descriptors)})
    for descriptor in descriptors:
        os.close(descriptor)
    return None


def introduce_yourself(connection: socket.socket) -> None:
    """Tell who ordered this fork that it is there, with a handle that stays its own whoever gets its number.

    The fork says so itself: were it the parent's to say, a parent that is killed just then would leave a fork at work
    that nobody knows of, and the work would be done twice.

    Raises:
        OSError: Nobody waits for it any more.
    """
    handle = os.pidfd_open(os.getpid())
    try:
        socket.send_fds(connection, [HERE_I_AM], [handle])
    finally:
        os.close(handle)


def refuse(connection: socket.socket, reason: str) -> None:
    """Tell who ordered this fork that there is none to be had, from any parent that has loaded the same."""
    with suppress(OSError):
        connection.sendall(NO + reason.encode("utf-8", "replace"))
