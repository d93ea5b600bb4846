from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from nightbook.errors import DamagedContentError, SettingsError, StorageError
from nightbook.pipelines.digests import FileDigests, digest_bytes
from nightbook.pipelines.objects import FolderObjects, RemoteObjects, object_name
from nightbook.pipelines.store import ContentStore

if TYPE_CHECKING:
    from nightbook.pipelines.objects import Objects


@pytest.fixture(params=["folder", "local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder; the same through fsspec, where objects are moved into place; a place that shows only whole ones."""
    folder = str(tmp_path / "store")
    return {"folder": folder, "local": f"local://{folder}", "memory": f"memory://{uuid4().hex}"}[request.param]


@pytest.fixture
def objects(place: str) -> Objects:
    return RemoteObjects(place) if "://" in place else FolderObjects(Path(place))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_what_is_taken_lies_under_its_digest(tmp_path: Path, objects: Objects) -> None:
    digest = objects.take(written(tmp_path / "a", b"one"))
    assert digest == digest_bytes(b"one")
    assert objects.has(object_name(digest))
    assert objects.read(object_name(digest)) == b"one"
    assert objects.copy_out(object_name(digest), tmp_path / "b") == digest
    assert (tmp_path / "b").read_bytes() == b"one"
    assert os.access(tmp_path / "b", os.W_OK)


def test_what_is_not_there_is_none_of_an_error(objects: Objects) -> None:
    assert not objects.has("ab/cdef")
    assert objects.read("ab/cdef") is None
    objects.remove("ab/cdef")


def test_what_is_removed_is_gone_and_can_come_back(objects: Objects) -> None:
    objects.write("ab/cd.folder", b"names")
    objects.remove("ab/cd.folder")
    assert not objects.has("ab/cd.folder")
    objects.write("ab/cd.folder", b"names")
    assert objects.read("ab/cd.folder") == b"names"


def test_nothing_unfinished_is_left_behind(tmp_path: Path, objects: Objects) -> None:
    objects.take(written(tmp_path / "a", b"one"))
    objects.write("ab/cd", b"two")
    assert list((tmp_path / "store").rglob(".*")) == []


def test_a_store_anywhere_brings_back_files_and_folders(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "data"
    (folder / "x").mkdir(parents=True)
    written(folder / "x" / "ü.txt", b"one")
    file = written(folder / "two.bin", os.urandom(3_000_000))
    digests = FileDigests(tmp_path / "cache")
    ContentStore(place).put(folder)
    ContentStore(place).put(file)

    other = ContentStore(place)
    for path in (folder, file):
        digest = digests.digest(path)
        assert other.has(digest)
        other.restore(digest, tmp_path / "again")
        assert digests.digest(tmp_path / "again") == digest


def test_an_object_that_was_damaged_anywhere_is_refused_and_forgotten(
    tmp_path: Path, place: str, objects: Objects
) -> None:
    store = ContentStore(place)
    digest = store.put(written(tmp_path / "a", b"first"))
    objects.remove(object_name(digest))
    objects.write(object_name(digest), b"rotten")

    with pytest.raises(DamagedContentError, match="damaged"):
        store.restore(digest, tmp_path / "b")

    assert not (tmp_path / "b").exists()
    assert not store.has(digest)


def test_a_kind_of_place_that_is_not_known_is_said() -> None:
    with pytest.raises(SettingsError, match="'store' cannot be 'nowhere://x'"):
        ContentStore("nowhere://x")


def test_a_place_that_does_not_serve_is_said(tmp_path: Path) -> None:
    written(tmp_path / "store", b"a file where a folder should be")
    with pytest.raises(StorageError, match=r"the content store local://.* does not serve"):
        ContentStore(f"local://{tmp_path}/store").put(written(tmp_path / "a", b"one"))
