"""Warm parents for tests: in a short folder of a test's own, none of which outlives the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.runs.warm.asking import Forked, ask
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.orders import Order
from nightbook.runs.warm.places import FOLDER, IDLE, RUNNER, Place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PATIENCE_SECONDS = 20.0
# A parent of processes like any other, but for the seconds of imports.
LIGHT = """
import socket, sys
from pathlib import Path
from nightbook.runs.warm.parent import WarmParent
from nightbook.runs.warm.places import Place
from nightbook.runs.warm.preload import Preloader
from nightbook.runs.warm.roles import ProcessRole
from nightbook.runs.warm.tenancy import Tenancy
listener, place = socket.socket(fileno=int(sys.argv[1])), Place(key=sys.argv[2], folder=Path(sys.argv[3]))
role = ProcessRole(lambda: None)
exec(sys.argv[5])
WarmParent(listener, role, Preloader(), Tenancy(place), idle_seconds=float(sys.argv[4])).serve()
"""
# Has commands be Python code that sets `code`, for which none of the commands' own modules need be loaded.
STAND_IN = """
import nightbook.cli.main
role.modules = lambda order: ()
def carry_out(arguments):
    namespace = {"code": 0, "arguments": arguments}
    exec(arguments[-1], namespace)
    sys.stdout.flush()
    return namespace["code"]
nightbook.cli.main.carry_out = carry_out
"""


def until(is_so: Callable[[], object], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that is to come true."""
    deadline = time.monotonic() + patience_seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def open_descriptors(pid: int | str = "self") -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def code_order(code: str, *, modules: Sequence[str] = ()) -> Order:
    """An order for a process that executes some code: timeit's `main` does, as would one of ours."""
    arguments = ("-n", "1", "-r", "1", code)
    return Order(surroundings=present_surroundings(), module="timeit", arguments=arguments, modules=tuple(modules))


def fork_for(place: Place, code: str) -> Forked:
    """Have a parent fork a process that executes some code."""
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        forked = ask(place, code_order(code), (nothing, nothing, nothing), None)
    finally:
        os.close(nothing)
    assert forked is not None
    return forked


def release(forked: Forked) -> None:
    forked.connection.close()
    if forked.handle >= 0:
        os.close(forked.handle)


@contextmanager
def failing_parent(place: Place, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """A parent that says something and hangs up; yields whom it served."""
    served: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    served.append(connection)
                    connection.sendall(said)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield served
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def silent_parent(place: Place) -> Iterator[None]:
    """A parent that never answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        yield


class WarmFolder:
    """Where a test's parents listen."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._light: list[subprocess.Popen[bytes]] = []

    def parents(self, kind: str) -> list[psutil.Process]:
        """The parents of a kind that serve from here."""
        return [process for process in self._processes() if _words(process)[:3] == ["nightbook", kind, "parent"]]

    def booting(self) -> list[psutil.Process]:
        """Those that are becoming parents."""
        return [process for process in self._processes() if "nightbook.runs.warm.boot" in _words(process)]

    def start_light(self, *, idle_seconds: float = 600, prelude: str = "pass") -> tuple[subprocess.Popen[bytes], Place]:
        """Start a parent of processes that has loaded next to nothing, and executes some code first."""
        place = place_of(RUNNER, os.environ)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, place.log.open("ab") as log:
            listener.bind(str(place.socket))
            listener.listen()
            number = listener.fileno()
            command = [sys.executable, "-c", LIGHT, str(number), place.key, str(place.folder), str(idle_seconds)]
            process = subprocess.Popen([*command, prelude], stderr=log, cwd=self.path, pass_fds=[number])
        self._light.append(process)
        return process, place

    def end(self) -> None:
        """End all, and whom they forked."""
        for process in self._processes():
            with suppress(psutil.Error):
                process.kill()
        for light in self._light:
            light.kill()
            light.wait()
        shutil.rmtree(self.path)

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.cwd() == str(self.path):
                    found.append(process)
        return found


def _words(process: psutil.Process) -> list[str]:
    try:
        return " ".join(process.cmdline()).split()
    except psutil.Error:
        return []


def _new_folder() -> WarmFolder:
    # A socket's path must be short: pytest's own folders are too deep.
    return WarmFolder(Path(tempfile.mkdtemp(prefix="nb-")).resolve())


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> Iterator[WarmFolder]:
    """A folder of parents for this test alone."""
    folder = _new_folder()
    monkeypatch.setenv(FOLDER, str(folder.path))
    monkeypatch.setenv(IDLE, "300")
    yield folder
    folder.end()


@pytest.fixture(scope="session")
def session_warm() -> Iterator[WarmFolder]:
    folder = _new_folder()
    yield folder
    folder.end()


@pytest.fixture
def shared_warm(session_warm: WarmFolder, monkeypatch: pytest.MonkeyPatch) -> WarmFolder:
    """A folder of parents for all tests that leave them alone."""
    monkeypatch.setenv(FOLDER, str(session_warm.path))
    monkeypatch.setenv(IDLE, "300")
    return session_warm
