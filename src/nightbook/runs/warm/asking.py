"""Asks a warm parent for a fork, and starts the parent where there is none."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock

from nightbook.errors import StorageError
from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE
from nightbook.runs.warm.orders import Order, send_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.warm.places import Place

PATIENCE_SECONDS = 60.0
_TRIES = 3
_BACKLOG = 4096
_DETACHED = ("/bin/sh", "-c", '"$@" &', "sh")
"""A shell that ends at once leaves its child to the system."""
_OF_A_RUN = frozenset({RUN_VARIABLE, RUN_FOLDER, "MLFLOW_RUN_ID"})
_BOOT = "import sys; del sys.path[0]; from nightbook.runs.warm.boot import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forked:
    """A process that a parent forked for us.

    Attributes:
        pid: Its id; for a kernel, the id of its keeper.
        handle: A descriptor that stays this process's and is readable when it has ended; -1 for a kernel.
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
    """
    # Every module that proves unfit has the parent begin again: it listens all the while, and need not be started.
    for attempt in range(_TRIES + len(order.modules)):
        connection = connect(place, environment if attempt < _TRIES else None)
        if connection is None:
            return None
        with ExitStack() as stack, suppress(OSError, ValueError):
            stack.enter_context(connection)
            connection.settimeout(PATIENCE_SECONDS)
            send_order(connection, order, descriptors)
            forked = introduced(connection, is_kept=not order.module)
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
    connection = try_to_connect(place)
    if connection is not None or environment is None:
        return connection
    try:
        with FileLock(place.lock, timeout=PATIENCE_SECONDS):
            connection = try_to_connect(place)
            if connection is None:
                start_parent(place, environment)
                connection = try_to_connect(place)
    except (OSError, StorageError, TimeoutError):
        return None
    return connection


def start_parent(place: Place, environment: Mapping[str, str]) -> None:
    """Start a parent; whoever connects from now on waits until it is ready.

    Raises:
        OSError: It cannot be started.
    """
    place.socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, place.log.open("ab") as log:
        listener.bind(str(place.socket))
        listener.listen(_BACKLOG)
        subprocess.run(
            [*_DETACHED, sys.executable, "-c", _BOOT, str(listener.fileno()), place.key, str(place.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.folder,
            env={name: value for name, value in environment.items() if name not in _OF_A_RUN},
            pass_fds=[listener.fileno()],
            start_new_session=True,
            check=True,
        )


def try_to_connect(place: Place) -> socket.socket | None:
    """A connection to the parent; None when there is none."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(place.socket))
    except OSError:
        connection.close()
        return None
    return connection


def introduced(connection: socket.socket, *, is_kept: bool = False) -> Forked | None:
    """Read who was forked: the parent says so, and a keeper its own id; None when nobody was."""
    received, handle, words = b"", -1, dict[str, int]()
    wanted = "pid" if is_kept else "forked"
    while wanted not in words or handle < 0:
        chunk, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
        handle = descriptors[0] if descriptors else handle
        if not chunk:
            break
        received += chunk
        for line in received.split(b"\n")[:-1]:
            words |= json.loads(line)
    is_known = wanted in words and handle >= 0
    if handle >= 0 and (is_kept or not is_known):
        os.close(handle)
        handle = -1
    return Forked(pid=words[wanted], handle=handle, connection=connection) if is_known else None
