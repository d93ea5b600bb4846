"""What a kernel in a forked process says, over a stream socket: messages as Jupyter has them, and printed text.

A frame is a kind (one byte), the number of parts and the length of each (big-endian), then the parts.
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence

MESSAGE = b"M"
"""A Jupyter message as JSON, then its buffers."""
TRUNK = b"K"
"""Asks a kernel to become a trunk, with JSON; answered by why it cannot, in UTF-8, empty when it does."""
CHECKPOINT = b"C"
"""Asks a kernel to leave a fork of itself, with JSON; answered by JSON, whose `reason` says why it cannot."""
TEXT = b"T"
"""The name of a stream, then text that was printed, in UTF-8."""
FLUSH = b"F"
"""The name of a stream whose text is to be shown now, before what is shown next."""
_KINDS = frozenset({MESSAGE, TEXT, FLUSH, TRUNK, CHECKPOINT})
_MOST_PARTS = 1 << 16
_HEAD = struct.Struct(">cI")
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that was said."""

    kind: bytes
    parts: tuple[bytes, ...]


class FrameWriter:
    """Writes frames whole, whichever threads and forked processes write besides.

    Args:
        stream: A blocking stream socket; who listens slowly holds up who speaks, and nothing is dropped.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._threads = threading.RLock()
        # Locks of this kind exclude processes from each other, also those that share everything else.
        self._processes = os.memfd_create("nightbook-frames") if hasattr(os, "memfd_create") else _unnamed_file()
        self._held: list[bytes | memoryview] = []
        os.register_at_fork(after_in_child=self._forget)

    def close(self) -> None:
        """Release what it holds beside the socket; a second time does nothing."""
        if self._processes >= 0:
            os.close(self._processes)
            self._processes = -1

    def write(self, kind: bytes, *parts: bytes | memoryview, has_sequel: bool = False) -> None:
        """Say it.

        Args:
            kind: What it is.
            parts: What it consists of.
            has_sequel: It may be said together with what comes next, so that who listens is woken once.

        Raises:
            OSError: Nobody listens any more, or a cell closed the socket.
        """
        head = _HEAD.pack(kind, len(parts)) + b"".join(_LENGTH.pack(_size(part)) for part in parts)
        with self._threads:
            self._held += (head, *parts)
            if not has_sequel:
                self.release()

    def release(self) -> None:
        """Say what waits for a sequel.

        Raises:
            OSError: As above.
        """
        with self._threads:
            said, self._held = self._held, []
            if not said:
                return
            fcntl.lockf(self._processes, fcntl.LOCK_EX)
            try:
                _send_all(self._stream, said)
            finally:
                fcntl.lockf(self._processes, fcntl.LOCK_UN)

    def _forget(self) -> None:
        # Another thread may have held the lock when the process was forked, and does not exist here; what waits for a
        # sequel is the other process's to say.
        self._threads, self._held = threading.RLock(), []


class GarbledError(ValueError):
    """What came is no frame: somebody else wrote into the socket."""


class FrameReader:
    """Makes frames of bytes as they come."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that are whole now.

        Raises:
            GarbledError: What came is none.
        """
        self._pending += chunk
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        if len(self._pending) < _HEAD.size:
            return None
        kind, count = _HEAD.unpack_from(self._pending)
        if kind not in _KINDS or count > _MOST_PARTS:
            raise GarbledError
        start = _HEAD.size + count * _LENGTH.size
        if len(self._pending) < start:
            return None
        lengths = [_LENGTH.unpack_from(self._pending, _HEAD.size + place * _LENGTH.size)[0] for place in range(count)]
        if len(self._pending) < start + sum(lengths):
            return None
        parts = []
        for length in lengths:
            parts.append(bytes(self._pending[start : start + length]))
            start += length
        del self._pending[:start]
        return Frame(kind, tuple(parts))


def read_frame(stream: socket.socket, reader: FrameReader, waiting: list[Frame]) -> Frame | None:
    """The next frame of a blocking socket; None at its end.

    Args:
        stream: The socket.
        reader: Keeps what came of the frame after.
        waiting: Keeps frames that came together with it.
    """
    while not waiting:
        chunk = stream.recv(1 << 16)
        if not chunk:
            return None
        waiting += reader.feed(chunk)
    return waiting.pop(0)


def _size(part: bytes | memoryview) -> int:
    return part.nbytes if isinstance(part, memoryview) else len(part)


def _send_all(stream: socket.socket, parts: Sequence[bytes | memoryview]) -> None:
    left = [memoryview(part).cast("B") for part in parts if _size(part)]
    while left:
        sent = stream.sendmsg(left[:64])
        while left and sent >= len(left[0]):
            sent -= len(left.pop(0))
        if sent:
            left[0] = left[0][sent:]


def _unnamed_file() -> int:
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)  # noqa: PTH108 - beside the descriptor
    return descriptor
