"""The project's own files as one archive: equal files make equal bytes, so its digest names it."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError, StorageError
from nightbook.files import file_state
from nightbook.numbers import format_bytes
from nightbook.pipelines.digests import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CACHES = frozenset({"__pycache__", ".ipynb_checkpoints", "node_modules", ".git", ".hg", ".svn"})
_SECRET_FILES = frozenset({".env", ".netrc", ".pgpass"})
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
_SPEED_OVER_SIZE = 1
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Packed files.

    Attributes:
        digest: Of the content.
        content: A gzipped tar.
        names: The files in it, relative to the root.
    """

    digest: str
    content: bytes
    names: frozenset[str]


class Archivist:
    """Packs a project, and packs it again only when a file of it has changed.

    Args:
        root: The project's.
        limit_bytes: The most that its files may hold together.
        left_out: Files and folders that stay behind, absolute: state, data that the store carries, secrets.
    """

    def __init__(self, root: Path, *, limit_bytes: int, left_out: frozenset[Path]) -> None:
        self._root = root
        self._limit_bytes = limit_bytes
        self.left_out = left_out
        self._left_out = frozenset(map(os.path.abspath, left_out))
        self._state: tuple[str, ...] = ()
        self._packed: Archive | None = None

    def pack(self) -> Archive:
        """The project as it is now.

        Raises:
            PipelineError: It holds more than the limit; the largest files are named.
            StorageError: A file cannot be read, or git does not say what belongs to the project.
        """
        names = self._names()
        state = tuple(f"{name} {file_state(self._root / name)}" for name in names)
        if self._packed is None or state != self._state:
            self._check_size(names)
            try:
                content = _packed(self._root, names)
            except OSError as error:
                raise StorageError(f"the project cannot be packed for workers: {error}") from error
            self._packed = Archive(digest=digest_bytes(content), content=content, names=frozenset(names))
            self._state = state
        return self._packed

    def _names(self) -> list[str]:
        listed = _listed_by_git(self._root) if _is_in_repository(self._root) else self._walked()
        return sorted(name for name in listed if not self._is_left_out(name) and (self._root / name).is_file())

    def _walked(self) -> Iterator[str]:
        for place, folders, files in os.walk(self._root):
            folders[:] = [
                name
                for name in folders
                if name not in _CACHES
                and os.path.join(place, name) not in self._left_out  # noqa: PTH118 - compared as text
                and not _is_environment(Path(place, name))
            ]
            for name in files:
                yield Path(place, name).relative_to(self._root).as_posix()

    def _is_left_out(self, name: str) -> bool:
        path = self._root / name
        if path.name in _SECRET_FILES or _CACHES.intersection(Path(name).parts):
            return True
        places = (path, *path.parents)
        return any(os.fspath(place) in self._left_out for place in places)

    def _check_size(self, names: Sequence[str]) -> None:
        sizes = sorted(((self._root / name).stat().st_size, name) for name in names)
        total = sum(size for size, _ in sizes)
        if total > self._limit_bytes:
            largest = ", ".join(f"{name} ({format_bytes(size)})" for size, name in sizes[: -_SHOWN - 1 : -1])
            raise PipelineError(
                f"the project's files come to {format_bytes(total)}, and archive_limit_bytes lets "
                f"{format_bytes(self._limit_bytes)} go to workers; the largest: {largest}",
                remedy="declare data as Input, name it in .gitignore, or raise archive_limit_bytes",
            )


def unpack(content: bytes, folder: Path) -> None:
    """Lay an archive's files out in a folder.

    Raises:
        StorageError: It is no archive of ours, or the folder cannot be written.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            extract_files(archive, folder)
    except (OSError, tarfile.TarError) as error:
        raise StorageError(f"the project's files cannot be unpacked in {folder}: {error}") from error


def extract_files(archive: tarfile.TarFile, folder: Path) -> None:
    """Plain files below a folder and nothing else; each is new, so that who reads the one it replaces is not disturbed.

    `tarfile` itself is careful only from Python 3.11.4 on.

    Raises:
        TarError: A name leads out of the folder.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for member in archive:
        name = Path(member.name)
        if name.is_absolute() or ".." in name.parts:
            raise tarfile.TarError(f"{member.name} leads out of the folder")
        content = archive.extractfile(member) if member.isfile() else None
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with path.open("wb") as stream:
                shutil.copyfileobj(content, stream)
            path.chmod(member.mode & 0o777)


def _packed(root: Path, names: Iterable[str]) -> bytes:
    buffer = io.BytesIO()
    # Neither times nor owners: the same files are the same bytes on every machine.
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_SPEED_OVER_SIZE, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as archive,
    ):
        for name in names:
            entry = archive.gettarinfo(root / name, arcname=name)
            # A file with two names in the project is two files there.
            entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", (root / name).stat().st_size
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            entry.mode = 0o755 if entry.mode & 0o100 else 0o644
            with (root / name).open("rb") as stream:
                archive.addfile(entry, stream)
    return buffer.getvalue()


def _is_in_repository(root: Path) -> bool:
    return any((folder / ".git").exists() for folder in (root, *root.parents))


def _listed_by_git(root: Path) -> list[str]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        raise StorageError(
            "only git can say what .gitignore keeps from workers, and it is not installed", remedy="install git"
        ) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise StorageError(f"git does not say what belongs to the project: {said}")
    return list(dict.fromkeys(os.fsdecode(name) for name in done.stdout.split(b"\0") if name))


def _is_environment(folder: Path) -> bool:
    return folder.name.endswith("_cache") or any((folder / mark).exists() for mark in _ENVIRONMENT_MARKS)
