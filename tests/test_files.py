from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import StorageError
from nightbook.files import file_state, make_folder, write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_as_a_whole_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "inside").touch()
    with pytest.raises(StorageError, match="cannot write") as raised:
        write_atomically(taken, b"content")
    assert raised.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_file_is_readable_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_the_state_of_a_file_changes_with_each_writing_also_of_what_stood_there_before(tmp_path: Path) -> None:
    path = tmp_path / "features.py"
    assert file_state(path) == ""
    path.write_text("x = 1")
    os.utime(path, ns=(1, 1))
    first = file_state(path)
    assert file_state(path) == first
    path.write_text("x = 1")
    assert file_state(path) != first


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "taken").touch()
    with pytest.raises(StorageError, match="taken"):
        make_folder(tmp_path / "taken" / "b")
