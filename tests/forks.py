"""Forked kernels to talk with, and installed modules that a parent should not load."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.runs.containment import Containment, choose_containment
from nightbook.runs.warm.forked_kernel import ForkedKernelManager
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, KernelEnds, fork_kernel
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60.0


class Talk:
    """A kernel, and what it prints when it is told to execute something."""

    def __init__(self, ends: KernelEnds) -> None:
        self.ends = ends
        self.manager = ForkedKernelManager(ends)
        self._client = self.manager.client()
        # Of a thread of its own: playwright's fixtures leave a loop at work in the tests'.
        self._thread = ThreadPoolExecutor(1)
        self._loop = asyncio.new_event_loop()

    def run(self, code: str) -> str:
        self.begin(code)
        return self.hear()

    def begin(self, code: str) -> None:
        self._client.execute(code)

    def hear(self, *, until_said: str = "") -> str:
        """What it says until it is idle, or until it has said something."""
        return self._thread.submit(self._loop.run_until_complete, self._hear(until_said)).result()

    async def _hear(self, until_said: str) -> str:
        said = ""
        while True:
            message = await self._client.iopub_channel.get_msg(timeout=PATIENCE_SECONDS)
            content = message["content"]
            said += str(content.get("text", "")) + str(content.get("ename", ""))
            if content.get("execution_state") == "idle" or (until_said and until_said in said):
                return said

    def close(self) -> None:
        if not self._loop.is_closed():
            self._thread.submit(self.manager.cleanup_resources).result()
            self._thread.submit(self._loop.close).result()
            self._thread.shutdown()


@pytest.fixture
def fork() -> Iterator[Callable[..., Talk]]:
    """Forks a kernel of a parent that is started when there is none."""
    talks: list[Talk] = []

    def forked(*now: str, later: tuple[str, ...] = (), containment: Containment | None = None) -> Talk:
        ends = fork_kernel(
            place_of(KERNEL, os.environ),
            present_surroundings(),
            containment or choose_containment(),
            imports=Imports(now=now, later=later),
            log=2,
        )
        assert ends is not None, place_of(KERNEL, os.environ).log.read_text()
        talks.append(Talk(ends))
        return talks[-1]

    yield forked
    for talk in talks:
        talk.close()


class Sleeper:
    """A process that only its command line makes known, whatever namespace it is in."""

    def __init__(self) -> None:
        self._seconds = f"3600.{uuid.uuid4().int}"

    @property
    def daemonise(self) -> str:
        """Code that starts it beyond the reach of whoever looks at process groups, sessions or parents."""
        return f"import os\n_ = os.system('setsid setsid sleep {self._seconds} < /dev/null > /dev/null 2>&1 &')"

    @property
    def is_there(self) -> bool:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cmdline() == ["sleep", self._seconds]:
                    return True
        return False


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of installed distributions that new processes find."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    # Behind our own, should they be there too.
    paths = [one for one in (os.environ.get("PYTHONPATH", ""), str(folder)) if one]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return folder
