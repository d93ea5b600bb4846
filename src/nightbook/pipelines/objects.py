"""Where the content store keeps its objects: a folder, or any place that fsspec reaches (`s3://…`, `gs://…`, `abfs://…`)."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from nightbook.errors import SettingsError, StorageError
from nightbook.pipelines.digests import PREFIX
from nightbook.systems import IS_WINDOWS

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom, BufferedReader

_CLONE = 0x40049409
"""FICLONE of Linux: share the blocks on file systems that can (btrfs, xfs); the copies stay independent."""
_BLOCK_BYTES = 1 << 20
_READABLE = 0o666
# Windows neither replaces nor removes a file that nobody may write.
_FIXED = 0o666 if IS_WINDOWS else 0o444
# These show an object when all of it has arrived. Elsewhere it is written apart and moved.
_WHOLE_PUTS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"})


class Objects(Protocol):
    """Bytes under names such as `ab/cdef…`; an object is whole or not there."""

    def has(self, name: str) -> bool:
        """It is there."""

    def read(self, name: str) -> bytes | None:
        """A small one; None when it is not there."""

    def write(self, name: str, content: bytes) -> None:
        """A small one."""

    def take(self, path: Path) -> str:
        """Keep a file under the name that its digest gives; returns the digest of what was kept."""

    def copy_out(self, name: str, path: Path) -> str:
        """Copy one to a new file; returns the digest of what was copied."""

    def remove(self, name: str) -> None:
        """Forget one; it is fine when it is not there."""


def object_name(digest: str) -> str:
    """The name of the object with a digest; one folder for each of 256 beginnings."""
    bare = digest.removeprefix(PREFIX)
    return f"{bare[:2]}/{bare[2:]}"


class FolderObjects:
    """Objects in a folder; a file system that can share blocks copies in no time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def has(self, name: str) -> bool:
        """See `Objects`."""
        return (self._folder / name).exists()

    def read(self, name: str) -> bytes | None:
        """See `Objects`."""
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        temporary = self._folder / f".{uuid4().hex}"
        (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(self._folder / name)

    def take(self, path: Path) -> str:
        """See `Objects`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{uuid4().hex}"
        try:
            digest = copy_file(path, temporary, _FIXED)
            kept = self._folder / object_name(digest)
            kept.parent.mkdir(exist_ok=True)
            temporary.replace(kept)
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    def copy_out(self, name: str, path: Path) -> str:
        """See `Objects`."""
        return copy_file(self._folder / name, path, _READABLE)

    def remove(self, name: str) -> None:
        """See `Objects`."""
        (self._folder / name).unlink(missing_ok=True)


class RemoteObjects:
    """Objects at a URL that fsspec reaches; what it needs to log in, it takes from its own settings and environment.

    Raises:
        SettingsError: There is no such kind of place, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._is_put_whole = url.partition("://")[0] in _WHOLE_PUTS
        try:
            # Loaded for such a place only: most projects keep their store in a folder.
            self._files, self._base = cast("tuple[Any, str]", import_module("fsspec.core").url_to_fs(self._url))
        except (ImportError, ValueError) as error:
            raise SettingsError(f"'store' cannot be {url!r}: {error}", remedy='store = "/shared/nightbook"') from None

    def __str__(self) -> str:
        return self._url

    def has(self, name: str) -> bool:
        """See `Objects`."""
        with self._problems_said():
            # What another machine has put there meanwhile counts.
            self._files.invalidate_cache()
            return bool(self._files.exists(self._place(name)))

    def read(self, name: str) -> bytes | None:
        """See `Objects`."""
        try:
            with self._problems_said():
                return bytes(self._files.cat_file(self._place(name)))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """See `Objects`."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "object"
            file.write_bytes(content)
            self._put(file, name)

    def take(self, path: Path) -> str:
        """See `Objects`; what is put is a copy, so that its name is true though the file is written meanwhile."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "object"
            digest = copy_file(path, copy, _READABLE)
            self._put(copy, object_name(digest))
        return digest

    def copy_out(self, name: str, path: Path) -> str:
        """See `Objects`."""
        with self._problems_said():
            self._files.get_file(self._place(name), str(path))
        with path.open("rb") as stream:
            return PREFIX + hashlib.file_digest(stream, "sha256").hexdigest()

    def remove(self, name: str) -> None:
        """See `Objects`."""
        with self._problems_said(), suppress(FileNotFoundError):
            self._files.rm_file(self._place(name))

    def _place(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _put(self, file: Path, name: str) -> None:
        place = self._place(name)
        with self._problems_said():
            self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
            if self._is_put_whole:
                self._files.put_file(str(file), place)
                return
            apart = self._place(f".{uuid4().hex}")
            self._files.put_file(str(file), apart)
            self._files.mv(apart, place)

    @contextmanager
    def _problems_said(self) -> Iterator[None]:
        """Each kind of place has errors of its own; some are no `OSError`."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError, ValueError, TypeError, ImportError, LookupError) as error:
            raise StorageError(f"the content store {self._url} does not serve: {error}") from error


def copy_file(source: Path, target: Path, mode: int) -> str:
    """Copy to a new file, durably; returns the digest of what was copied, read once."""
    with source.open("rb") as reader:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w+b") as writer:
            digest = _clone(reader, writer) or _transfer(reader, writer)
            writer.flush()
            os.fsync(writer.fileno())
    return PREFIX + digest


def _clone(reader: BufferedReader, writer: BufferedRandom) -> str:
    if sys.platform != "linux":
        return ""
    try:
        fcntl.ioctl(writer.fileno(), _CLONE, reader.fileno())
    except OSError:
        return ""
    return hashlib.file_digest(writer, "sha256").hexdigest()


def _transfer(reader: BufferedReader, writer: BufferedRandom) -> str:
    digest = hashlib.sha256()
    while block := reader.read(_BLOCK_BYTES):
        digest.update(block)
        writer.write(block)
    return digest.hexdigest()
