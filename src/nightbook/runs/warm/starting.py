"""Starts a warm parent, once for all who find none at the same time."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from filelock import FileLock

from nightbook.errors import StorageError
from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE
from nightbook.runs.warm.asking import PATIENCE_SECONDS, try_to_connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.runs.warm.places import Place

_BACKLOG = 4096
_DETACHED = ("/bin/sh", "-c", '"$@" &', "sh")
"""A shell that ends at once leaves its child to the system."""
_OF_A_RUN = frozenset({RUN_VARIABLE, RUN_FOLDER, "MLFLOW_RUN_ID"})
_BOOT = "import sys; del sys.path[0]; from nightbook.runs.warm.boot import main; main()"


def start_once(place: Place, environment: Mapping[str, str]) -> socket.socket | None:
    """A connection to a parent that is started unless another has just done so; None when it cannot be.

    Args:
        place: Where it is to listen.
        environment: With which it is started.
    """
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
