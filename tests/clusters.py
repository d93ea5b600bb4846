"""Real Dask clusters for the tests: processes on 127.0.0.1, each worker in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_SECONDS = 120
HERE_ONLY = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


@dataclass
class Cluster:
    """A scheduler and its workers.

    Attributes:
        folder: Where each has a folder of its own; no project is in it.
        address: The scheduler's, without a scheme.
    """

    folder: Path
    address: str = ""
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start the scheduler."""
        file = self.folder / "scheduler.json"
        options = ["--port", "0", "--scheduler-file", str(file)]
        self._start("scheduler", options, lambda: file.exists() and bool(file.read_text()))
        self.address = str(json.loads(file.read_text())["address"]).removeprefix("tcp://")

    def add_worker(self, name: str, *, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker, without anybody who would start it again, and return when the scheduler knows it."""
        folder = self.folder / name
        options = [self.address, "--no-nanny", "--nthreads", str(threads), "--name", name]
        options += ["--local-directory", str(folder / "local"), "--death-timeout", "60"]
        log = folder / "log.txt"
        process = self._start(name, options, lambda: "Registered to" in log.read_text(), **environment)
        self.workers[self._address_in(log)] = process
        return process

    @property
    def scheduler(self) -> subprocess.Popen[bytes]:
        return self._started[0]

    def attempts(self) -> list[Path]:
        """What workers have on their disks of runs."""
        return list(self.folder.glob("*/local/**/nightbook/attempts/*"))

    def stop(self) -> None:
        """End all, with what they started."""
        for process in reversed(self._started):
            with suppress(psutil.Error):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait()

    def _start(
        self, name: str, options: list[str], is_up: Callable[[], bool], **environment: str
    ) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        folder.mkdir()
        module = "distributed.cli.dask_scheduler" if name == "scheduler" else "distributed.cli.dask_worker"
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *HERE_ONLY, *options],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._started.append(process)
        deadline = time.monotonic() + START_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "log.txt").read_text())
            time.sleep(0.02)
        return process

    @staticmethod
    def _address_in(log: Path) -> str:
        return next(line.split()[-1] for line in log.read_text().splitlines() if "Start worker at" in line)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler; a test adds workers as it needs them."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def two_workers(cluster: Cluster) -> Cluster:
    """A scheduler and two workers with a thread each."""
    cluster.add_worker("one")
    cluster.add_worker("two")
    return cluster
