"""Both kinds of pipes, whichever of them this system needs."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.pipes import Direct, PassedOn, await_any, never_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.runs.pipes import Incoming

PATIENCE_SECONDS = 60
both = pytest.mark.parametrize("take", [Direct, PassedOn])


def news(pipe: Incoming) -> bytes | None:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        assert [key.fileobj for key in await_any(selector, PATIENCE_SECONDS)] == [pipe]
    return pipe.read()


@both
def test_what_is_said_is_heard_when_it_is_said_and_so_is_the_end(take: Callable[[int], Incoming]) -> None:
    end, words = os.pipe()
    pipe = take(end)
    assert pipe.read() is None
    os.write(words, b"interrupt\n")
    assert news(pipe) == b"interrupt\n"
    os.close(words)
    assert news(pipe) == b""
    pipe.close()
    os.close(end)


@both
def test_the_last_words_are_heard_though_somebody_still_holds_the_other_end(take: Callable[[int], Incoming]) -> None:
    end, words = os.pipe()
    pipe = take(end)
    os.write(words, b"Segmentation fault\n")
    assert b"".join(pipe.rest()) == b"Segmentation fault\n"
    os.close(words)
    pipe.close()
    os.close(end)


@both
def test_more_than_any_pipe_holds_comes_whole(take: Callable[[int], Incoming]) -> None:
    talk = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 4096)"
    with subprocess.Popen([sys.executable, "-c", talk], stdout=subprocess.PIPE) as talker:
        assert talker.stdout is not None
        pipe, heard = take(talker.stdout.fileno()), b""
        while chunk := news(pipe):
            heard += chunk
        pipe.close()
    assert heard == bytes(range(256)) * 4096


def test_where_nothing_is_waited_for_the_time_passes() -> None:
    with selectors.DefaultSelector() as selector:
        assert await_any(selector, 0.0) == []


def fill(descriptor: int) -> None:
    while True:
        os.write(descriptor, bytes(65536))


def test_a_full_pipe_holds_nobody_up() -> None:
    end, words = os.pipe()
    never_wait(words)
    with pytest.raises(BlockingIOError):
        fill(words)
    os.close(end)
    os.close(words)
