"""Kernels in forked processes, and a way to talk with them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from nightbook.runs.containment import choose_containment
from nightbook.runs.warm.forked_kernel import ForkedKernelManager
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, fork_kernel
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from nightbook.runs.warm.kernels import KernelEnds

PATIENCE_SECONDS = 60
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a kernel said to a request: its reply, and what it published meanwhile."""

    reply: dict[str, Any]
    published: list[dict[str, Any]]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Text and results as they came, errors as their names."""
        found = []
        for message in self.published:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                found.append((content["name"], content["text"]))
            elif "data" in content and kind != "comm_open":
                found.append((kind, content["data"]["text/plain"]))
            elif kind == "error":
                found.append((kind, content["ename"]))
        return found


class Talk:
    """A kernel and an event loop in a thread of its own: playwright's fixtures leave one at work in the tests'."""

    def __init__(self, ends: KernelEnds) -> None:
        self.manager = ForkedKernelManager(ends)
        self.client = self.manager.client()
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1)

    def do(self, work: Coroutine[Any, Any, Said]) -> Said:
        """The result of some work in that thread."""
        return self._thread.submit(self._loop.run_until_complete, work).result(PATIENCE_SECONDS)

    def execute(self, code: str, **options: bool) -> Answer:
        """What comes of some code."""
        return self.do(self._execute(code, **options))

    async def _execute(self, code: str, **options: bool) -> Answer:
        asked = self.client.execute(code, **options)
        published: list[dict[str, Any]] = []
        while not published or published[-1]["content"].get("execution_state") != "idle":
            published.append(await self.client.iopub_channel.get_msg(timeout=PATIENCE_SECONDS))
        reply = await self.client.shell_channel.get_msg(timeout=PATIENCE_SECONDS)
        assert reply["parent_header"]["msg_id"] == self.client.replied_to == asked
        return Answer(reply["content"], published)

    def end(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):
            self.manager.shutdown_kernel(now=True)
        self._thread.submit(self.manager.cleanup_resources).result(PATIENCE_SECONDS)
        self._thread.submit(self._loop.close).result(PATIENCE_SECONDS)
        self._thread.shutdown()


@pytest.fixture(scope="session")
def warm_folder() -> Iterator[str]:
    """Where the parents of these tests listen: they end when it is gone."""
    with tempfile.TemporaryDirectory(prefix="nightbook-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTBOOK_WARM_FOLDER", folder)
        yield folder


@pytest.fixture
def new_talk(warm_folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Talk]]:
    """Starts kernels in the test's folder, which end with the test."""
    monkeypatch.setenv("NIGHTBOOK_WARM_FOLDER", warm_folder)
    talks = []

    def start(*imports: str, **changes: str) -> Talk:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        with (tmp_path / "log.txt").open("ab") as log:
            place = place_of(KERNEL, os.environ, root=str(Path(warm_folder)))
            surroundings, containment = present_surroundings(str(tmp_path)), choose_containment("auto")
            ends = fork_kernel(place, surroundings, containment, imports=Imports(now=imports), log=os.dup(log.fileno()))
        assert ends is not None, place.log.read_text()
        talks.append(Talk(ends))
        return talks[-1]

    yield start
    for talk in talks:
        talk.end()
        os.close(talk.client._ends.log)


@pytest.fixture
def talk(new_talk: Callable[..., Talk]) -> Talk:
    """A kernel to talk with."""
    return new_talk()
