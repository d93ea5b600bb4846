from __future__ import annotations

import json
import os
import select
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.warmth import WarmFolder, fork_for, is_running, open_descriptors, release, until

from nightbook.runs.warm.asking import try_to_connect

if TYPE_CHECKING:
    from nightbook.runs.warm.places import Place

SLEEP = "import time; time.sleep(600)"


def serves(place: Place) -> bool:
    forked = fork_for(place, "pass")
    ended = bool(select.select([forked.handle], [], [], 60)[0])
    release(forked)
    return ended


def waiting_descriptors(pid: int) -> int:
    """What a parent has open while it waits."""
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING)
    return open_descriptors(pid)


def test_the_forks_of_a_parent_that_is_killed_live_on(warm: WarmFolder, tmp_path: Path) -> None:
    parent, place = warm.start_light()
    wanted, done = tmp_path / "wanted", tmp_path / "done"
    os.mkfifo(wanted)
    forked = fork_for(place, f"open({str(wanted)!r}).read(); open({str(done)!r}, 'w').close()")
    parent.kill()
    parent.wait()
    assert is_running(forked.pid)
    wanted.write_text("go on")
    until(done.exists)
    release(forked)


def test_a_parent_that_nobody_asks_ends(warm: WarmFolder) -> None:
    parent, _ = warm.start_light(idle_seconds=0)
    assert parent.wait(timeout=60) == 0


def test_a_parent_whose_socket_is_taken_away_ends(warm: WarmFolder) -> None:
    parent, place = warm.start_light()
    assert serves(place)
    place.socket.unlink()
    assert parent.wait(timeout=60) == 0


def test_a_parent_ends_when_something_is_installed(warm: WarmFolder, site: Path) -> None:
    parent, place = warm.start_light()
    assert serves(place)
    (site / "fresh.py").touch()
    assert parent.wait(timeout=60) == 0


def test_neither_parent_nor_forks_gather_descriptors(warm: WarmFolder, tmp_path: Path) -> None:
    parent, place = warm.start_light()
    told = tmp_path / "told"
    count = f"import os; open({str(told)!r}, 'a').write(str(len(os.listdir('/proc/self/fd'))) + chr(10))"
    before, ours = 0, 0
    for number in range(30):
        forked = fork_for(place, count)
        assert select.select([forked.handle], [], [], 60)[0]
        release(forked)
        if not number:
            before, ours = waiting_descriptors(parent.pid), open_descriptors()
    assert (waiting_descriptors(parent.pid), open_descriptors()) == (before, ours)
    # Its standard three, the file that it writes, the folder that it lists; and what a parent watches with.
    assert len(set(told.read_text().split())) == 1


def test_no_fork_stays_as_a_zombie(warm: WarmFolder) -> None:
    parent, place = warm.start_light()
    assert serves(place)
    assert serves(place)
    until(lambda: not psutil.Process(parent.pid).children())


def _framed(said: object) -> bytes:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return struct.pack(">I", len(body)) + body


SURROUNDINGS = {"environment": {}, "working_directory": "/"}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        _framed({})[:-1],
        _framed(b"no JSON"),
        _framed(b"\xff\xfe"),
        _framed(b"[" * 100_000),
        _framed([]),
        _framed({}),
        _framed({"surroundings": 1}),
        _framed({"surroundings": {"no": "such field"}, "arguments": [], "modules": [], "expected": []}),
        _framed({"surroundings": SURROUNDINGS, "arguments": [], "modules": [5], "expected": [{}]}),
        _framed({"surroundings": SURROUNDINGS, "arguments": [], "modules": ["no_such_module"], "expected": []}),
        _framed({"surroundings": SURROUNDINGS, "module": "no_such", "arguments": [], "modules": [], "expected": []}),
    ],
)
def test_an_order_that_makes_no_sense_harms_nobody(warm: WarmFolder, said: bytes) -> None:
    parent, place = warm.start_light()
    assert serves(place)
    before = waiting_descriptors(parent.pid)
    with Path(os.devnull).open("rb") as file:
        connection = try_to_connect(place)
        assert connection is not None
        with connection:
            if said:
                socket.send_fds(connection, [said], [file.fileno()] * 4)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(60)
            while connection.recv(100):
                pass  # should it have forked, it says so first
    assert serves(place)
    assert waiting_descriptors(parent.pid) == before


def test_whoever_hangs_up_early_harms_nobody(warm: WarmFolder) -> None:
    parent, place = warm.start_light()
    for _ in range(5):
        connection = try_to_connect(place)
        assert connection is not None
        connection.close()
    assert serves(place)
    assert parent.poll() is None
