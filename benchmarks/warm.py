"""The warm parents of a folder: who they are, what they hold, and their end.

Each case has parents of its own, in a folder that nobody else uses: it begins without any, and ends only its own.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nightbook.runs.warm.places import FOLDER
from timing import Command, Statement, seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("kernel", "runner", "publisher")
MEBIBYTE = 1 << 20
QUIET_SECONDS = 20.0
_POLL_SECONDS = 0.1
_TITLE_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the parents hold between two commands.

    Attributes:
        memory_bytes: Anonymous memory of each, by kind.
        descriptors: Open in all of them.
        processes: They and whoever descends from them.
    """

    memory_bytes: Mapping[str, int]
    descriptors: int
    processes: int


def parents_of(folder: Path) -> dict[str, psutil.Process]:
    """The warm parents that listen in a folder, by kind; of several of one kind the youngest."""
    keys = {path.stem for path in folder.glob("*.sock")}
    found: dict[str, psutil.Process] = {}
    for process in sorted(psutil.process_iter(), key=lambda one: one.pid):
        words = _words_of(process)
        if len(words) >= _TITLE_WORDS and words[0] == "nightbook" and words[2] == "parent" and words[3] in keys:
            found[words[1]] = process
    return found


def everybody_of(folder: Path) -> list[psutil.Process]:
    """The warm parents of a folder and all that they forked."""
    found: list[psutil.Process] = []
    for parent in parents_of(folder).values():
        with suppress(psutil.Error):
            found += [parent, *parent.children(recursive=True)]
    return found


def end_parents(environment: Mapping[str, str]) -> None:
    """End them and wait until they are gone: the next command starts cold."""
    parents = [*parents_of(Path(environment[FOLDER])).values()]
    for parent in parents:
        with suppress(psutil.Error):
            parent.kill()
    psutil.wait_procs(parents, timeout=QUIET_SECONDS)


def holding(environment: Mapping[str, str]) -> Holding:
    """What the parents hold once all that they forked has ended, or after a while."""
    folder = Path(environment[FOLDER])
    deadline = time.monotonic() + QUIET_SECONDS
    while len(everybody_of(folder)) > len(parents_of(folder)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    parents = parents_of(folder)
    return Holding(
        memory_bytes={kind: memory_of(one.pid, "Anonymous") for kind, one in parents.items()},
        descriptors=sum(one.num_fds() for one in parents.values()),
        processes=len(everybody_of(folder)),
    )


def memory_of(pid: int, kind: str = "Pss") -> int:
    """Bytes of one kind that a process holds, as the operating system counts them; 0 when it is gone."""
    try:
        return parse_memory(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"), kind)
    except (ProcessLookupError, FileNotFoundError):
        return 0


def parse_memory(text: str, kind: str) -> int:
    """Bytes of one kind in the text of `smaps_rollup`."""
    found = re.search(rf"^{kind}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        message = f"smaps_rollup says nothing of {kind}"
        raise ValueError(message)
    return int(found[1]) * 1024


def state_boot(command: Command, environment: Mapping[str, str]) -> Statement:
    """How much longer the first command takes, which starts the parents, and what they cost."""
    end_parents(environment)
    cold = seconds_of(command, environment)
    warm = seconds_of(command, environment)
    parents = parents_of(Path(environment[FOLDER]))
    costs = []
    for kind in KINDS:
        if kind in parents:
            times = parents[kind].cpu_times()
            size = memory_of(parents[kind].pid) / MEBIBYTE
            costs.append(f"{kind} {times.user + times.system:.1f} s of CPU, {size:.0f} MiB")
    return Statement(
        measure="boot of the warm parents", figure=f"{cold:.2f} s cold, {warm:.2f} s warm; {'; '.join(costs)}"
    )


def _words_of(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).split()
    return []
