from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import DamagedContentError, StorageError
from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.store import ContentStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "store")


def folder_with_files(path: Path) -> Path:
    (path / "x" / "y").mkdir(parents=True)
    (path / "x" / "y" / "ü.txt").write_text("one")
    (path / "two.txt").write_text("two")
    return path


def left_behind(folder: Path) -> list[str]:
    return [name for _, folders, files in os.walk(folder) for name in folders + files if name.startswith(".")]


def test_a_deleted_file_comes_back(tmp_path: Path, store: ContentStore) -> None:
    file = tmp_path / "data" / "a.bin"
    file.parent.mkdir()
    file.write_bytes(os.urandom(3_000_000))
    content = file.read_bytes()
    digest = store.put(file)
    assert digest == FileDigests(tmp_path / "cache").digest(file)
    file.unlink()
    file.parent.rmdir()

    store.restore(digest, file)

    assert file.read_bytes() == content
    assert os.access(file, os.W_OK)
    assert not left_behind(tmp_path)


def test_a_deleted_folder_comes_back(tmp_path: Path, store: ContentStore) -> None:
    folder = folder_with_files(tmp_path / "data")
    digest = store.put(folder)
    assert digest == FileDigests(tmp_path / "cache").digest(folder)

    store.restore(digest, tmp_path / "again")

    assert FileDigests(tmp_path / "cache").digest(tmp_path / "again") == digest


def test_restoring_replaces_what_lies_there(tmp_path: Path, store: ContentStore) -> None:
    folder = folder_with_files(tmp_path / "data")
    digest = store.put(folder)
    (folder / "new.txt").write_text("new")
    (folder / "two.txt").write_text("changed")

    store.restore(digest, folder)

    assert FileDigests(tmp_path / "cache").digest(folder) == digest
    assert not left_behind(tmp_path)


def test_writing_into_an_output_does_not_reach_the_store(tmp_path: Path, store: ContentStore) -> None:
    file = tmp_path / "a.txt"
    file.write_text("first")
    digest = store.put(file)
    with file.open("r+") as stream:
        stream.write("other")
    store.restore(digest, file)
    with file.open("r+") as stream:
        stream.write("other")

    store.restore(digest, file)

    assert file.read_text() == "first"


def test_what_is_known_is_not_read_again(tmp_path: Path, store: ContentStore) -> None:
    file = tmp_path / "a.txt"
    file.write_text("first")
    digest = store.put(file)
    file.unlink()

    assert store.put(file, digest) == digest


def test_a_link_is_restored_where_it_points(tmp_path: Path, store: ContentStore) -> None:
    target = tmp_path / "elsewhere.txt"
    target.write_text("first")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    digest = store.put(link)
    target.unlink()

    store.restore(digest, link)

    assert link.is_symlink()
    assert target.read_text() == "first"


def test_what_is_not_there_is_said(tmp_path: Path, store: ContentStore) -> None:
    assert not store.has("sha256:" + "0" * 64)
    assert not store.has("")
    with pytest.raises(StorageError, match="has no sha256:0000"):
        store.restore("sha256:" + "0" * 64, tmp_path / "a")


def test_a_folder_that_lost_a_file_in_the_store_is_not_offered(tmp_path: Path, store: ContentStore) -> None:
    folder = folder_with_files(tmp_path / "data")
    digest = store.put(folder)
    lost = store.put(folder / "two.txt").removeprefix("sha256:")
    (tmp_path / "store" / lost[:2] / lost[2:]).unlink()

    assert not store.has(digest)


def test_a_damaged_copy_is_refused_and_forgotten(tmp_path: Path, store: ContentStore) -> None:
    file = tmp_path / "a.txt"
    file.write_text("first")
    digest = store.put(file)
    name = digest.removeprefix("sha256:")
    kept = tmp_path / "store" / name[:2] / name[2:]
    kept.chmod(0o644)
    kept.write_text("rotten")

    with pytest.raises(StorageError, match="damaged"):
        store.restore(digest, tmp_path / "b.txt")

    assert not (tmp_path / "b.txt").exists()
    assert not store.has(digest)
    assert not left_behind(tmp_path)


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    file = tmp_path / "a.txt"
    file.write_text("first")
    with pytest.raises(StorageError, match=r"cannot write .*/store: File exists"):
        ContentStore(tmp_path / "store").put(file)


@pytest.mark.parametrize("damage", [b"", b"{garbled", b"nightbook folder 1\n"])
def test_a_folder_whose_list_of_files_was_damaged_is_not_offered(
    tmp_path: Path, store: ContentStore, damage: bytes
) -> None:
    digest = store.put(folder_with_files(tmp_path / "data"))
    (manifest,) = tmp_path.rglob("*.folder")
    manifest.chmod(0o644)
    manifest.write_bytes(damage)
    assert not store.has(digest)
    with pytest.raises(DamagedContentError):
        store.restore(digest, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
