"""The processes behind checkpoints, as those see them who list, end or go on from them: each listens at a socket.

The time of the last change of a socket's file is the time until which its checkpoint stays.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import psutil

from nightbook.errors import StorageError
from nightbook.runs.census import await_end, kill_all
from nightbook.runs.memory import proportional_memory_of
from nightbook.runs.warm.places import Place, warm_folder

if TYPE_CHECKING:
    from pathlib import Path

_PREFIX = "checkpoint-"
_PEER = struct.Struct("3i")
_PATIENCE_SECONDS = 0.5
_END_SECONDS = 3.0


def checkpoint_place(key: str) -> Place:
    """Where a checkpoint listens.

    Raises:
        StorageError: There is no folder that only this user may enter.
    """
    return Place(key=key, folder=warm_folder(os.environ))


def checkpoint_key(run_id: str, position: int) -> str:
    """Names the checkpoint before a cell of a run."""
    return f"{_PREFIX}{run_id}-{position}"


def find_process(place: Path) -> psutil.Process | None:
    """The process that listens there; None when nobody does, or none that can be seen from here."""
    with suppress(OSError, psutil.Error), closing(_connect(place)) as connection:
        pid, _, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return psutil.Process(pid) if pid else None
    return None


def is_there(place: Path) -> bool:
    """Whether somebody listens there, seen from here or not."""
    try:
        _connect(place).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        return True  # it has much to do
    return True


def _connect(place: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_PATIENCE_SECONDS)
    try:
        connection.connect(str(place))
    except OSError:
        connection.close()
        raise
    return connection


def stays_until(place: Path) -> float:
    """Until when it stays, in seconds since the epoch; 0 when it is gone."""
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def lengthen(place: Path, until: float) -> None:
    """Have it stay longer; one that is gone stays so."""
    with suppress(OSError):
        os.utime(place, (until, until))


def memory_held(place: Path) -> int:
    """Bytes that it holds, what it has in common with other processes divided among them; 0 when it is gone."""
    process = find_process(place)
    return proportional_memory_of([process]) if process is not None else 0


def end_checkpoint(place: Path) -> None:
    """End it; returns when it is gone. Whoever went on from it goes on."""
    process = find_process(place)
    place.unlink(missing_ok=True)  # where its process cannot be seen, it looks for the file itself
    if process is not None:
        kill_all([process])
        await_end(process, within_seconds=_END_SECONDS)


def end_checkpoints_of(run_id: str) -> None:
    """End all that a run left."""
    for place in _sockets(f"{checkpoint_key(run_id, 0)[:-1]}*"):
        end_checkpoint(place)


def end_overdue() -> None:
    """End those whose time is over and who did not see to it themselves, and forget those that are gone."""
    for place in _sockets(f"{_PREFIX}*"):
        if stays_until(place) <= time.time() or not is_there(place):
            end_checkpoint(place)


def _sockets(pattern: str) -> list[Path]:
    try:
        return sorted(warm_folder(os.environ).glob(f"{pattern}.sock"))
    except StorageError:
        return []
