"""Files that are either whole or not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from uuid import uuid4

from nightbook.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def file_state(path: Path) -> str:
    """Words that change whenever a file is written, also when it has its old content again; empty when it is gone."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        StorageError: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {path}: {error.strerror or error}", remedy="choose a folder you may write"
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a kill at any moment leaves the old one or the new one, whole.

    Raises:
        StorageError: The folder cannot be written or the disk is full; nothing is left behind.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid4().hex}")
        # Readable as the umask says, which `tempfile` would not heed.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}",
            remedy="free some space, or choose a folder that you may write",
        ) from error
