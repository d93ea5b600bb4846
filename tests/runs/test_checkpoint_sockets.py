from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, is_running, until

from nightbook.runs.checkpoint_sockets import (
    checkpoint_key,
    checkpoint_place,
    end_checkpoint,
    end_checkpoints_of,
    end_overdue,
    find_process,
    is_there,
    lengthen,
    memory_held,
    stays_until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LISTENER = """
import socket, sys, time
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    time.sleep(600)
"""


@pytest.fixture
def listening(warm: WarmFolder) -> Iterator[Callable[..., tuple[Path, subprocess.Popen[bytes]]]]:
    """Starts what listens as a checkpoint does."""
    assert warm.path.is_dir()
    started: list[subprocess.Popen[bytes]] = []

    def start(run_id: str, position: int, *, until_seconds: float = 3600) -> tuple[Path, subprocess.Popen[bytes]]:
        place = checkpoint_place(checkpoint_key(run_id, position)).socket
        started.append(subprocess.Popen([sys.executable, "-c", LISTENER, str(place)]))
        until(lambda: place.exists() and is_there(place))
        lengthen(place, time.time() + until_seconds)
        return place, started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_who_listens_is_found_and_measured(listening: Callable[..., tuple[Path, subprocess.Popen[bytes]]]) -> None:
    place, process = listening("r", 1)
    found = find_process(place)
    assert found is not None
    assert found.pid == process.pid
    assert memory_held(place) > 0
    assert stays_until(place) > time.time()


def test_one_that_is_ended_is_gone_with_its_file(
    listening: Callable[..., tuple[Path, subprocess.Popen[bytes]]],
) -> None:
    place, process = listening("r", 1)
    end_checkpoint(place)
    assert not is_running(process.pid)
    assert (is_there(place), find_process(place), memory_held(place), stays_until(place)) == (False, None, 0, 0.0)
    end_checkpoint(place)


def test_the_end_of_a_run_is_the_end_of_its_own_only(
    listening: Callable[..., tuple[Path, subprocess.Popen[bytes]]],
) -> None:
    own, others = [listening("a", position)[0] for position in (1, 12)], listening("ab", 1)[0]
    end_checkpoints_of("a")
    assert [place.exists() for place in (*own, others)] == [False, False, True]


def test_only_those_whose_time_is_over_are_ended_and_files_without_anybody_are_forgotten(
    listening: Callable[..., tuple[Path, subprocess.Popen[bytes]]],
) -> None:
    overdue, _ = listening("a", 1, until_seconds=-1)
    stays, _ = listening("b", 1)
    dead = checkpoint_place(checkpoint_key("c", 1)).socket
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    lengthen(dead, time.time() + 3600)
    end_overdue()
    assert [place.exists() for place in (overdue, stays, dead)] == [False, True, False]


def test_where_no_folder_can_be_had_there_is_nothing_to_end(warm: WarmFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTBOOK_WARM_FOLDER", str(warm.path / os.devnull))
    end_overdue()
