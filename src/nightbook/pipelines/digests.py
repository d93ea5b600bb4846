"""Digests of files and folders, remembered by size, mtime and inode: a plan in which nothing changed reads no data."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.files import write_atomically
from nightbook.records import Pin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightbook.pipelines.stage import DataPath

PREFIX = "sha256:"
_MANIFEST_HEAD = "nightbook folder 1\n"
# Within one tick of a file system's clock a file can change again without a new mtime: such a digest is not kept.
_SETTLED_NANOSECONDS = 20_000_000


def digest_bytes(content: bytes) -> str:
    """The digest of bytes in hand."""
    return PREFIX + hashlib.sha256(content).hexdigest()


def folder_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder with its posix path relative to it, sorted; hidden ones too, links to nothing not."""
    found = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    yield from sorted((file.relative_to(folder).as_posix(), file) for file in found if file.is_file())


def folder_manifest(folder: Path, digest_of: Callable[[Path], str]) -> bytes:
    """A text that names each file with its digest; the digest of the text is the folder's."""
    lines = [json.dumps([digest_of(file), name], ensure_ascii=True) for name, file in folder_files(folder)]
    return (_MANIFEST_HEAD + "".join(f"{line}\n" for line in lines)).encode()


def read_manifest(manifest: bytes) -> list[tuple[str, str]]:
    """The digest and the relative path of each file that a manifest names."""
    return [tuple(json.loads(line)) for line in manifest.decode().removeprefix(_MANIFEST_HEAD).splitlines()]


class FileDigests:
    """Digests with a memory.

    Args:
        cache_file: Where they are remembered between programs; it may be missing, deleted or broken at any time.
    """

    def __init__(self, cache_file: Path) -> None:
        self._cache_file = cache_file
        self._remembered: dict[str, list[object]] | None = None
        self._learned: dict[str, list[object]] = {}

    def digest(self, path: Path) -> str:
        """`sha256:…` of a file's bytes, or of a folder's file names and digests; empty when there is nothing.

        Raises:
            OSError: It is there but cannot be read.
        """
        try:
            status = os.stat(path)  # noqa: PTH116 - twice as quick as Path.stat, and called for every file of a plan
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISDIR(status.st_mode):
            return digest_bytes(folder_manifest(path, self.digest))
        key = os.fspath(path)
        facts: list[object] = [status.st_size, status.st_mtime_ns, status.st_ino]
        known = self._learned.get(key) or self._known().get(key)
        if known is not None and known[:3] == facts:
            return str(known[3])
        with open(path, "rb") as stream:  # noqa: PTH123 - as above
            digest = PREFIX + hashlib.file_digest(stream, "sha256").hexdigest()
        if time.time_ns() - status.st_mtime_ns > _SETTLED_NANOSECONDS:
            self._learned[key] = [*facts, digest]
        return digest

    def pin(self, data: DataPath) -> Pin:
        """The version of some data that is there now; a URI has no digest."""
        if data.path is None:
            return Pin(name=data.name, uri=data.uri)
        digest = self.digest(data.path)
        return Pin(name=data.name, uri=data.uri, digest=digest, size_bytes=_size(data.path) if digest else None)

    def save(self) -> None:
        """Remember what was learned, beside what other processes learned meanwhile; forget files that are gone.

        Raises:
            StorageError: The cache's folder cannot be written.
        """
        if not self._learned:
            return
        self._remembered = None
        entries = {key: entry for key, entry in {**self._known(), **self._learned}.items() if os.path.exists(key)}  # noqa: PTH110 - as above
        write_atomically(self._cache_file, json.dumps(entries).encode())
        self._remembered, self._learned = entries, {}

    def _known(self) -> dict[str, list[object]]:
        if self._remembered is None:
            try:
                self._remembered = dict(json.loads(self._cache_file.read_bytes()))
            except (OSError, ValueError, TypeError):
                self._remembered = {}
        return self._remembered


def _size(path: Path) -> int:
    files = (file for _, file in folder_files(path)) if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)
