from __future__ import annotations

import json
import os
import select
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, failing_parent, is_running, open_descriptors

from nightbook.runs.warm.places import RUNNER, place_of
from nightbook.runs.warm.process import WarmProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TELL = """
import json, os, sys
umask = os.umask(0)
said = {"folder": os.getcwd(), "umask": umask, "variable": os.environ.get("A_VARIABLE"), "read": sys.stdin.read()}
said |= {"leads": os.getsid(0) == os.getpid()}
os.write(1, json.dumps(said).encode())
os.write(2, b"complained")
"""


class Started:
    """A process that executes some code, and what it is given and says."""

    def __init__(self, code: str, folder: Path) -> None:
        given, self._gives = os.pipe()
        self._said, says = os.pipe()
        self._complained, complains = os.pipe()
        self.process = WarmProcess(
            RUNNER,
            ("timeit", "-n", "1", "-r", "1", code),
            descriptors=(given, says, complains),
            working_directory=str(folder),
            idle_seconds=20,
        )
        for descriptor in (given, says, complains):
            os.close(descriptor)

    def give(self, text: bytes) -> None:
        os.write(self._gives, text)
        os.close(self._gives)

    def hear(self) -> tuple[bytes, bytes]:
        """All that it says, until nobody holds the other end."""
        self.process.await_begin()
        with os.fdopen(self._said, "rb") as said, os.fdopen(self._complained, "rb") as complained:
            return said.read(), complained.read()


@pytest.fixture(params=["forked", "no parent", "failing parent"])
def parent(request: pytest.FixtureRequest, warm: WarmFolder) -> Iterator[str]:
    """A parent, or what is in its place."""
    with ExitStack() as stack:
        if request.param == "forked":
            warm.start_light()
        elif request.param == "no parent":
            warm.path.chmod(0o755)
        else:
            stack.enter_context(failing_parent(place_of(RUNNER, os.environ)))
        yield str(request.param)


def test_a_process_has_what_it_is_given_whoever_starts_it(
    parent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_VARIABLE", "a value")
    umask = os.umask(0o027)
    try:
        started = Started(TELL, tmp_path)
    finally:
        os.umask(umask)
    assert not started.process.poll() or parent != "forked"
    started.give(b"a word")
    said, complained = started.hear()
    assert json.loads(said[: said.index(b"}") + 1]) == {
        "folder": str(tmp_path),
        "umask": 0o027,
        "variable": "a value",
        "read": "a word",
        "leads": True,
    }
    assert complained == b"complained"
    started.process.wait()
    assert started.process.poll()
    started.process.close()


def test_its_end_is_seen_at_its_descriptor_and_nothing_stays_open(parent: str, tmp_path: Path) -> None:
    before = 0
    for number in range(3):
        started = Started("pass", tmp_path)
        started.give(b"")
        started.hear()
        while not started.process.poll():
            assert select.select([started.process.fileno()], [], [], 60)[0]
        started.process.wait()
        started.process.close()
        before = before if number else open_descriptors()
    assert open_descriptors() == before


def test_one_that_is_killed_has_ended(parent: str, tmp_path: Path) -> None:
    started = Started("import time; time.sleep(600)", tmp_path)
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()
    assert started.process.poll()
    started.give(b"")
    assert started.hear()[0] == b""
    started.process.close()


def test_a_parents_end_is_no_matter_to_it(warm: WarmFolder, tmp_path: Path) -> None:
    parent, _ = warm.start_light()
    started = Started("import sys; sys.stdin.read()", tmp_path)
    assert is_running(started.process.pid)
    parent.kill()
    parent.wait()
    assert not started.process.poll()
    started.give(b"")
    started.process.wait()
    started.hear()
    started.process.close()
