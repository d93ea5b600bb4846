"""The content store: outputs of successful runs by digest, so that a deleted one comes back without a run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from nightbook.errors import DamagedContentError, StorageError
from nightbook.pipelines.digests import PREFIX, digest_bytes, folder_manifest, read_manifest

if TYPE_CHECKING:
    from io import BufferedRandom, BufferedReader

_CLONE = 0x40049409
"""FICLONE of Linux: share the blocks on file systems that can (btrfs, xfs); the copies stay independent."""
_BLOCK_BYTES = 1 << 20
_READABLE = 0o666
_FIXED = 0o444


class ContentStore:
    """Files and folders by the digest of their content.

    Copies, never links: what a notebook writes into its output later must not reach the store.

    Args:
        folder: Where they are kept; made when something is put there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, digest: str) -> bool:
        """It can be restored: a file with that digest, or a folder with all its files."""
        if not digest:
            return False
        if self._object(digest).exists():
            return True
        files = self._files_of(digest)
        return files is not None and all(self._object(one).exists() for one, _ in files)

    def put(self, path: Path, digest: str = "") -> str:
        """Keep a file or a folder; returns the digest of what was kept.

        Args:
            path: What to keep.
            digest: Its digest where known: what the store has already is not read again.

        Raises:
            StorageError: The disk is full or the store cannot be written.
        """
        if digest and self.has(digest):
            return digest
        try:
            return self._put_folder(path) if path.is_dir() else self._put_file(path)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def restore(self, digest: str, path: Path) -> None:
        """Bring back a file or folder at once as a whole; what lay there is replaced.

        Raises:
            DamagedContentError: The store does not have it, or what it had was damaged.
            StorageError: The place cannot be written.
        """
        if not self.has(digest):
            raise DamagedContentError(f"the content store has no {digest}", remedy="nightbook run --force")
        # Through a link, so that data kept elsewhere comes back there.
        path = Path(os.path.realpath(path))
        temporary = path.parent / f".{path.name}.{uuid4().hex}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._object(digest).exists():
                self._copy_out(digest, temporary)
            else:
                self._copy_out_folder(digest, temporary)
            _swap(temporary, path)
        except OSError as error:
            raise _unwritable(path, error) from error
        finally:
            _remove(temporary)

    def _object(self, digest: str) -> Path:
        name = digest.removeprefix(PREFIX)
        return self._folder / name[:2] / name[2:]

    def _manifest(self, digest: str) -> Path:
        return self._object(digest).with_suffix(".folder")

    def _files_of(self, digest: str) -> list[tuple[str, str]] | None:
        """Digest and relative path of each file of a folder; None when its manifest is not there or was damaged."""
        try:
            manifest = self._manifest(digest).read_bytes()
        except OSError:
            return None
        return read_manifest(manifest) if digest_bytes(manifest) == digest else None

    def _put_file(self, path: Path) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{uuid4().hex}"
        try:
            digest = _copy(path, temporary, _FIXED)
            self._object(digest).parent.mkdir(exist_ok=True)
            temporary.replace(self._object(digest))
        finally:
            _remove(temporary)
        return digest

    def _put_folder(self, folder: Path) -> str:
        manifest = folder_manifest(folder, self._put_file)
        digest = digest_bytes(manifest)
        temporary = self._folder / f".{uuid4().hex}"
        self._manifest(digest).parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(manifest)
        temporary.replace(self._manifest(digest))
        return digest

    def _copy_out(self, digest: str, path: Path) -> None:
        if _copy(self._object(digest), path, _READABLE) != digest:
            self._object(digest).unlink()
            raise DamagedContentError(f"the content store's copy of {digest} was damaged", remedy="nightbook run")

    def _copy_out_folder(self, digest: str, folder: Path) -> None:
        folder.mkdir()
        for one, name in self._files_of(digest) or ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self._copy_out(one, folder / name)


def _copy(source: Path, target: Path, mode: int) -> str:
    """Copy to a new file, durably; returns the digest of what was copied, read once."""
    with source.open("rb") as reader:
        descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w+b") as writer:
            digest = _clone(reader, writer) or _transfer(reader, writer)
            writer.flush()
            os.fsync(writer.fileno())
    return PREFIX + digest


def _clone(reader: BufferedReader, writer: BufferedRandom) -> str:
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


def _swap(new: Path, path: Path) -> None:
    """Put a new file or folder in the place of an old one; a folder is moved aside first, as it cannot be replaced."""
    if not path.is_dir():
        new.replace(path)
        return
    aside = path.parent / f".{path.name}.{uuid4().hex}"
    path.rename(aside)
    new.rename(path)
    shutil.rmtree(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {path}: {error.strerror or error}",
        remedy="free some space, or choose a folder that you may write",
    )
