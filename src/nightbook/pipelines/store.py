"""The content store: outputs of successful runs by digest, so that a deleted one comes back without a run."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from nightbook.errors import DamagedContentError, StorageError
from nightbook.pipelines.digests import digest_bytes, folder_manifest, read_manifest
from nightbook.pipelines.objects import FolderObjects, RemoteObjects, object_name

if TYPE_CHECKING:
    from nightbook.pipelines.objects import Objects


class ContentStore:
    """Files and folders by the digest of their content.

    Copies, never links: what a notebook writes into its output later must not reach the store.

    Args:
        place: Where they are kept: a folder, made when something is put there, or a URL that fsspec understands.

    Raises:
        SettingsError: It is a URL for which a package is missing.
    """

    def __init__(self, place: Path | str) -> None:
        is_folder = isinstance(place, Path) or "://" not in place
        self._objects: Objects = FolderObjects(Path(place)) if is_folder else RemoteObjects(str(place))

    def has(self, digest: str) -> bool:
        """It can be restored: a file with that digest, or a folder with all its files."""
        if not digest:
            return False
        if self._objects.has(object_name(digest)):
            return True
        files = self._files_of(digest)
        return files is not None and all(self._objects.has(object_name(one)) for one, _ in files)

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
            return self._put_folder(path) if path.is_dir() else self._objects.take(path)
        except OSError as error:
            raise _unwritable(str(self._objects), error) from error

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
            if self._objects.has(object_name(digest)):
                self._copy_out(digest, temporary)
            else:
                self._copy_out_folder(digest, temporary)
            _swap(temporary, path)
        except OSError as error:
            raise _unwritable(str(path), error) from error
        finally:
            _remove(temporary)

    def discard(self, digest: str) -> None:
        """Forget one file, as what served to carry something over."""
        with suppress(OSError, StorageError):
            self._objects.remove(object_name(digest))

    def _files_of(self, digest: str) -> list[tuple[str, str]] | None:
        """Digest and relative path of each file of a folder; None when its manifest is not there or was damaged."""
        manifest = self._objects.read(_manifest(digest))
        return read_manifest(manifest) if manifest is not None and digest_bytes(manifest) == digest else None

    def _put_folder(self, folder: Path) -> str:
        manifest = folder_manifest(folder, self._objects.take)
        digest = digest_bytes(manifest)
        self._objects.write(_manifest(digest), manifest)
        return digest

    def _copy_out(self, digest: str, path: Path) -> None:
        if self._objects.copy_out(object_name(digest), path) != digest:
            self._objects.remove(object_name(digest))
            raise DamagedContentError(f"the content store's copy of {digest} was damaged", remedy="nightbook run")

    def _copy_out_folder(self, digest: str, folder: Path) -> None:
        folder.mkdir()
        for one, name in self._files_of(digest) or ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self._copy_out(one, folder / name)


def _manifest(digest: str) -> str:
    return f"{object_name(digest)}.folder"


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


def _unwritable(place: str, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write {place}: {error.strerror or error}",
        remedy="free some space, or choose a folder that you may write",
    )
