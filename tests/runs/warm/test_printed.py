from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.runs.warm.printed import HeldText, TextReader

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator


def completed(work: Coroutine[None, None, None]) -> None:
    # In a thread of its own: playwright's fixtures leave an event loop at work in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(work)).result()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        os.close(end)


def test_a_stream_is_shown_when_it_is_flushed_whatever_the_other_said_meanwhile() -> None:
    shown: list[tuple[str, str]] = []

    async def print_both() -> None:
        held = HeldText(lambda name, text: shown.append((name, text)))
        held.add("stderr", "first")
        held.add("stdout", "a")
        held.add("stderr", " second")
        held.add("stdout", "b")
        assert not shown
        held.show("stdout")
        assert shown == [("stdout", "ab")]
        held.show_all()
        held.show_all()

    completed(print_both())
    assert shown == [("stdout", "ab"), ("stderr", "first second")]


def test_what_nobody_flushes_is_shown_within_moments() -> None:
    shown: list[str] = []

    async def print_and_wait() -> None:
        seen = asyncio.Event()

        def publish(_: str, text: str) -> None:
            shown.append(text)
            seen.set()

        HeldText(publish).add("stdout", "left alone")
        await asyncio.wait_for(seen.wait(), 20)

    completed(print_and_wait())
    assert shown == ["left alone"]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 7))
def test_text_is_whole_however_its_bytes_are_cut(text: str, size: int) -> None:
    given_end, taken_end = os.pipe()
    os.set_blocking(given_end, False)
    try:
        reader, encoded, heard = TextReader(given_end), text.encode(), ""
        for start in range(0, len(encoded), size):
            os.write(taken_end, encoded[start : start + size])
            heard += reader.read(is_last=False)
        assert heard + reader.read(is_last=True) == text
    finally:
        os.close(given_end)
        os.close(taken_end)


def test_half_of_a_character_is_shown_as_such_at_the_end_only(pipe: tuple[int, int]) -> None:
    reader = TextReader(pipe[0])
    assert reader.read(is_last=False) == ""
    os.write(pipe[1], b"\xff \xe2\x82")
    assert reader.read(is_last=False) == "\ufffd "
    assert reader.read(is_last=True) == "\ufffd"
