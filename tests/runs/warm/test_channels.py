from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from nbclient.exceptions import DeadKernelError

from nightbook.runs.warm.channels import ForkedChannel

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping


class Ear:
    """Hears what it was told beforehand, a piece whenever somebody waits."""

    def __init__(self, *pieces: str) -> None:
        self.is_ended = self.is_garbled = False
        self.said: list[Mapping[str, Any]] = []
        self.channel = ForkedChannel(self)
        self._pieces = list(pieces)

    async def wait_for_news(self, timeout_seconds: float | None) -> None:
        if self._pieces:
            self.channel.messages.append({"text": self._pieces.pop(0)})
        elif timeout_seconds is not None:
            await asyncio.sleep(timeout_seconds)
        else:
            self.is_ended = True

    def send(self, message: Mapping[str, Any]) -> str:
        self.said.append(message)
        return "id"


def result_of(work: Coroutine[None, None, dict[str, Any]]) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work)).result()


def test_messages_come_in_order_also_those_that_come_late() -> None:
    channel = Ear("a", "b").channel
    assert [result_of(channel.get_msg(timeout=5))["text"] for _ in range(2)] == ["a", "b"]


def test_none_in_time_is_not_the_end() -> None:
    with pytest.raises(Empty):
        result_of(Ear().channel.get_msg(timeout=0.01))


def test_the_end_of_the_kernel_is_no_matter_of_time() -> None:
    ear = Ear("last words")
    assert result_of(ear.channel.get_msg())["text"] == "last words"
    with pytest.raises(DeadKernelError):
        result_of(ear.channel.get_msg())


def test_what_is_said_goes_to_the_kernel() -> None:
    ear = Ear()
    ear.channel.send({"a": 1})
    assert ear.said == [{"a": 1}]
