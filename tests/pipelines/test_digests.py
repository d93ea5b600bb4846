from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.stage import Places

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = 1_000_000_000


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "digests.json"


def settled(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def refuse_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("data was read")

    monkeypatch.setattr(hashlib, "file_digest", fail)


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path, memory: Path) -> None:
    file = settled(tmp_path / "a.txt", b"abc")
    assert FileDigests(memory).digest(file) == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"


def test_nothing_has_no_digest(tmp_path: Path, memory: Path) -> None:
    file = settled(tmp_path / "a.txt", b"abc")
    assert not FileDigests(memory).digest(tmp_path / "missing")
    assert not FileDigests(memory).digest(file / "below")


def test_an_unchanged_file_is_not_read_again_by_another_program(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settled(tmp_path / "a.txt", b"abc")
    settled(tmp_path / "folder" / "b.txt", b"b")
    first = FileDigests(memory)
    known = [first.digest(file), first.digest(tmp_path / "folder")]
    first.save()
    refuse_reading(monkeypatch)

    later = FileDigests(memory)

    assert [later.digest(file), later.digest(tmp_path / "folder")] == known


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_changed_file_is_read_again(tmp_path: Path, memory: Path, change: str) -> None:
    file = settled(tmp_path / "a.txt", b"abc")
    one = FileDigests(memory)
    before = one.digest(file)
    if change == "size":
        settled(file, b"abcd")
    elif change == "time":
        file.write_bytes(b"xyz")
    else:
        settled(tmp_path / "b.txt", b"xyz").replace(file)

    assert one.digest(file) != before


def test_a_file_written_a_moment_ago_is_not_trusted_yet(tmp_path: Path, memory: Path) -> None:
    file = tmp_path / "a.txt"
    one = FileDigests(memory)
    file.write_bytes(b"abc")
    soon = file.stat().st_mtime_ns + 10**9  # as if the clock of the file system ran ahead
    os.utime(file, ns=(soon, soon))
    before = one.digest(file)
    file.write_bytes(b"xyz")
    os.utime(file, ns=(soon, soon))

    assert one.digest(file) != before


def test_a_folder_is_its_files_names_and_content(tmp_path: Path, memory: Path) -> None:
    one = FileDigests(memory)
    folder = settled(tmp_path / "f" / "x" / "a.txt", b"a").parents[1]
    settled(folder / "b.txt", b"b")
    before = one.digest(folder)

    (folder / "b.txt").rename(folder / "c.txt")
    renamed = one.digest(folder)
    settled(folder / "c.txt", b"changed")

    assert len({before, renamed, one.digest(folder)}) == 3


def test_a_link_to_nothing_does_not_break_a_folder(tmp_path: Path, memory: Path) -> None:
    folder = settled(tmp_path / "f" / "a.txt", b"a").parent
    before = FileDigests(memory).digest(folder)
    (folder / "dangling").symlink_to("nowhere")
    assert FileDigests(memory).digest(folder) == before


def test_two_programs_keep_what_the_other_learned_and_forget_what_is_gone(
    tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [settled(tmp_path / name, name.encode()) for name in ("a", "b", "c")]
    one, other = FileDigests(memory), FileDigests(memory)
    one.digest(files[0])
    other.digest(files[1])
    other.digest(files[2])
    one.save()
    files[2].unlink()
    other.save()

    assert b'/c"' not in memory.read_bytes()
    refuse_reading(monkeypatch)
    assert all(FileDigests(memory).digest(file) for file in files[:2])


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null"])
def test_a_broken_memory_is_forgotten(tmp_path: Path, memory: Path, content: bytes) -> None:
    settled(memory, content)
    one = FileDigests(memory)
    assert one.digest(settled(tmp_path / "a.txt", b"abc"))
    one.save()
    assert b"a.txt" in memory.read_bytes()


def test_a_pin_has_the_size_of_a_file_a_folder_or_nothing(tmp_path: Path, memory: Path) -> None:
    settled(tmp_path / "f" / "a.txt", b"abc")
    settled(tmp_path / "f" / "b.txt", b"d")
    one = FileDigests(memory)

    def pin(written: str) -> tuple[str, bool, int | None]:
        pinned = one.pin(Places(tmp_path).data("name", written, str(tmp_path)))
        return pinned.uri, bool(pinned.digest), pinned.size_bytes

    assert pin("f/a.txt") == ("f/a.txt", True, 3)
    assert pin("f") == ("f", True, 4)
    assert pin("missing") == ("missing", False, None)
    assert pin("s3://bucket/x") == ("s3://bucket/x", False, None)
