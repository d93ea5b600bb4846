from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.memory import Memory

if TYPE_CHECKING:
    from pathlib import Path


def refuse() -> str:
    raise AssertionError("found out again")


def test_a_fact_is_found_out_once_and_kept(tmp_path: Path) -> None:
    memory = Memory[str](tmp_path / "cache" / "facts.json")
    assert memory.recall("a", lambda: "x") == "x"
    assert memory.recall("a", refuse) == "x"
    memory.save()
    assert Memory[str](tmp_path / "cache" / "facts.json").recall("a", refuse) == "x"


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    memory = Memory[str](tmp_path / "facts.json", most=2)
    for key in "abc":
        memory.recall(key, lambda: "x")
    memory.save()
    later = Memory[str](tmp_path / "facts.json")
    assert later.recall("c", refuse) == "x"
    assert later.recall("a", lambda: "again") == "again"


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"\xff"])
def test_a_broken_file_means_that_nothing_is_known(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "facts.json").write_bytes(content)
    assert Memory[str](tmp_path / "facts.json").recall("a", lambda: "x") == "x"


def test_a_place_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory[str](tmp_path / "file" / "facts.json")
    memory.recall("a", lambda: "x")
    memory.save()
