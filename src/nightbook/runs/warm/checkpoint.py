"""A fork of a kernel as it is between two cells: another run can go on from there when the kernel is gone.

It is a trunk of its own session without ties to the run that left it. It stays until the time that the file of its
socket bears as the time of its last change, or until that file is removed; it is the first that the operating system
ends when memory runs out.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from setproctitle import setproctitle

from nightbook.runs.census import CHECKPOINT, RUN_VARIABLE
from nightbook.runs.warm.descriptors import open_descriptors, own_files
from nightbook.runs.warm.parent import WarmParent
from nightbook.runs.warm.preload import Preloader
from nightbook.runs.warm.trunk import FOREVER_SECONDS, Trunk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nightbook.runs.warm.isolation import Surroundings
    from nightbook.runs.warm.orders import Order
    from nightbook.runs.warm.service import KernelService

_GENERATORS = ("random", "numpy", "torch")
_FIRST_TO_END = 1000
_ENDS_WITH_MEMORY = Path("/proc/self/oom_score_adj")
_SITES = frozenset({"site-packages", "dist-packages"})


class Checkpoint(Trunk):
    """Forks a kernel that goes on as the one would have that left it.

    Args:
        service: The kernel's, between two requests.
        surroundings: What its process was given, before anything changed it.
        opened: Descriptors that the cells have opened.
    """

    def __init__(self, service: KernelService, surroundings: Surroundings, opened: Collection[int]) -> None:
        super().__init__(service, surroundings, opened, _GENERATORS)
        self._score = _ENDS_WITH_MEMORY.read_text(encoding="ascii")

    def stay(self, place: Path, until: float, said: int) -> NoReturn:
        """Serve at a socket, in a process just forked for it; says by closing a descriptor that it does."""
        os.setsid()
        setproctitle(f"{CHECKPOINT} {self._surroundings.environment.get(RUN_VARIABLE, '')}")
        _cut_ties(open_descriptors().keys() - {*self._opened, said})
        own_files(self._opened)
        with suppress(OSError):
            _ENDS_WITH_MEMORY.write_text(str(_FIRST_TO_END), encoding="ascii")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            # Whoever sees it finds it ready, with its time.
            unready = place.with_name(f".{place.name}")
            listener.bind(str(unready))
            listener.listen(socket.SOMAXCONN)
            os.utime(unready, (until, until))
            unready.rename(place)
            os.write(said, b".")
            os.close(said)
            WarmParent(listener, self, Preloader(), Tenure(place), idle_seconds=FOREVER_SECONDS).serve()
            place.unlink(missing_ok=True)
        os._exit(0)

    def _go_on(self, order: Order) -> None:
        with suppress(OSError):
            _ENDS_WITH_MEMORY.write_text(self._score, encoding="ascii")
        super()._go_on(order)


class Tenure:
    """How long a checkpoint stays: until the time that its socket's file bears, or its removal.

    Args:
        place: The file.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._file = place.stat().st_ino

    @property
    def is_over(self) -> bool:
        """Its time is over, or somebody ended it."""
        try:
            status = self._place.stat()
        except OSError:
            return True
        return status.st_ino != self._file or status.st_mtime <= time.time()

    def use(self) -> None:
        """Whoever goes on from it does not lengthen its time."""


def leave(checkpoint: Checkpoint, place: Path, until: float) -> str:
    """Fork it; returns why that cannot be, empty when it is there.

    The fork is nobody's child here: a cell that looks for its children finds none of ours.
    """
    heard, said = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(heard)
        os.close(said)
        return f"the process could not be forked: {error.strerror}"
    if not pid:
        _fork_again(checkpoint, place, until, said)
    os.close(said)
    with suppress(ChildProcessError):  # a cell may have it that children need not be waited for
        os.waitpid(pid, 0)
    with os.fdopen(heard, "rb") as answer:
        return "" if answer.read() else "the fork did not begin"


def _fork_again(checkpoint: Checkpoint, place: Path, until: float, said: int) -> NoReturn:
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if not os.fork():
            checkpoint.stay(place, until, said)
    finally:
        os._exit(0)


def why_not_continued() -> str:
    """What belongs to this run and could not be another's; empty for nothing."""
    mlflow: Any = sys.modules.get("mlflow")
    with suppress(AttributeError):  # it is being imported
        if mlflow is not None and mlflow.active_run() is not None:
            return "a run of MLflow's is open"
    return ""


def own_modules(root: str, known: Collection[str]) -> list[str]:
    """The files of the project's modules that are loaded: those below its root, and those that are known to be."""
    named = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = {os.path.realpath(one) for one in named if isinstance(one, str)}
    return sorted(one for one in files if one in known or _is_own(one, root))


def _is_own(file: str, root: str) -> bool:
    return file.startswith(f"{root}{os.sep}") and not file.startswith(sys.prefix) and not _SITES & {*Path(file).parts}


def _cut_ties(descriptors: Iterable[int]) -> None:
    """Have the connections of the run that left us lead nowhere: their ends mean something to others."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        with suppress(OSError):
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
                os.dup2(nowhere, descriptor)
    os.close(nowhere)
