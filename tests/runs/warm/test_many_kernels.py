"""Hundreds of kernels of one parent are at work at once, and leave it as it was."""

from __future__ import annotations

import fcntl
import resource
from typing import TYPE_CHECKING

import psutil
import pytest
from tests.warmth import WarmFolder, until

from nightbook.runs.warm.places import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.forks import Talk

MOST, ROOM_BYTES = 400, 22_000_000
"""Each takes 20 MB with its keeper: 400 take 8 GB."""
DESCRIPTORS_OF_EACH = 8
PATIENCE_SECONDS = 200
# None goes on before the lock is given up: all are at work at the same time, and none of them costs anything meanwhile.
WAIT = """\
import fcntl
open("{folder}/started-{number}", "w").close()
with open("{folder}/gate") as gate:
    fcntl.flock(gate, fcntl.LOCK_SH)
print({number})
"""


@pytest.fixture
def number() -> Iterator[int]:
    """As many as this machine has room for, without taking more than half of what is free."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(MOST, psutil.virtual_memory().available // 2 // ROOM_BYTES)
    wanted = max(soft, number * DESCRIPTORS_OF_EACH + 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    yield number
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_hundreds_at_once_all_do_their_work_and_leave_the_parent_as_it_was(
    warm: WarmFolder, fork: Callable[..., Talk], tmp_path: Path, number: int
) -> None:
    fork().close()
    (parent,) = warm.parents(KERNEL)
    until(lambda: not parent.children())
    descriptors, threads = parent.num_fds(), parent.num_threads()

    with (tmp_path / "gate").open("w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        talks = [fork() for _ in range(number)]
        for one, talk in enumerate(talks):
            talk.begin(WAIT.format(folder=tmp_path, number=one))
        until(lambda: len(list(tmp_path.glob("started-*"))) == number, patience_seconds=PATIENCE_SECONDS)
        # A keeper and a kernel for each.
        forked = parent.children(recursive=True)
        assert len(forked) == 2 * number
    for one, talk in enumerate(talks):
        assert talk.hear() == f"{one}\n"
        talk.close()

    until(lambda: not any(process.is_running() for process in forked), patience_seconds=PATIENCE_SECONDS)
    assert warm.parents(KERNEL) == [parent]
    assert not parent.children()
    # What the first fork needed may have been there still when it was counted.
    assert parent.num_fds() <= descriptors
    assert parent.num_threads() == threads
