"""A kernel that has executed what the runs of a sweep have in common, and forks itself for each of them.

It was forked from a warm parent without a keeper: each of its own forks has one. It ends when the process that had it
made lets go of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import threading
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import psutil
from setproctitle import setproctitle

from nightbook.runs.census import RUN_VARIABLE
from nightbook.runs.containment import Containment, outlive_peer
from nightbook.runs.warm.bounds import bound_memory, take
from nightbook.runs.warm.descriptors import is_readable, open_descriptors, own_files, why_not_shared
from nightbook.runs.warm.keeper import KERNEL_TITLE, TITLE, end_strays, keep
from nightbook.runs.warm.parent import WarmParent
from nightbook.runs.warm.preload import Preloader, threads

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nightbook.runs.warm.isolation import Surroundings
    from nightbook.runs.warm.orders import Order
    from nightbook.runs.warm.service import KernelService

FOREVER_SECONDS = 1e9


class Trunk:
    """Forks a kernel as it is now.

    Args:
        service: The kernel's, between two requests.
        surroundings: What its process was given, before anything changed it.
        opened: Descriptors that the cells have opened.
        seeded: Generators of random numbers that the cells have seeded: each fork goes on with their state.
    """

    def __init__(
        self, service: KernelService, surroundings: Surroundings, opened: Collection[int], seeded: Collection[str]
    ) -> None:
        self._service = service
        self._surroundings = surroundings
        self._opened = opened
        self._seeded = frozenset(seeded)
        # Python seeds its own generator anew in every fork.
        self._random = random.getstate()

    def load(self) -> None:
        """The cells have loaded all."""

    def modules(self, order: Order) -> tuple[str, ...]:
        """The cells have loaded all."""
        del order
        return ()

    def end_strays(self, forked: Collection[int]) -> None:
        """What a killed keeper left behind."""
        end_strays(forked)

    def serve(self, order: Order, connection: socket.socket) -> NoReturn:
        """Be the keeper of a kernel that goes on from here."""
        setproctitle(f"{TITLE} {order.surroundings.environment.get(RUN_VARIABLE, '')}")
        keep(connection, Containment(order.containment), partial(self._go_on, order))
        os._exit(0)

    def _go_on(self, order: Order) -> None:
        setproctitle(f"{KERNEL_TITLE} {order.surroundings.environment.get(RUN_VARIABLE, '')}")
        messages, printed, complained, log = order.descriptors
        for number, descriptor in ((1, printed), (2, complained)):
            os.dup2(descriptor, number)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        own_files(self._opened)
        self._take_over(order.surroundings)
        self._service.go_on(socket.socket(fileno=messages), log, order.surroundings)

    def _take_over(self, given: Surroundings) -> None:
        """What is this run's own; what the cells have made of the rest stays."""
        had = self._surroundings
        for name in {*given.environment, *had.environment}:
            if given.environment.get(name) == had.environment.get(name):
                continue
            if name in given.environment:
                os.environ[name] = given.environment[name]
            else:
                os.environ.pop(name, None)
        limits = {name: limit for name, limit in given.limits.items() if limit != had.limits.get(name)}
        take(limits, given.processors if given.processors != had.processors else ())
        if given.memory_bytes is not None:
            bound_memory(given.memory_bytes)
        if "random" in self._seeded:
            random.setstate(self._random)
        numpy: Any = sys.modules.get("numpy")
        if numpy is not None and "numpy" not in self._seeded:
            numpy.random.seed(None)
        torch: Any = sys.modules.get("torch")
        if torch is not None and "torch" not in self._seeded:
            torch.seed()


class Hold:
    """How long a trunk stays: until whoever had it made lets go.

    Args:
        connection: To them.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    @property
    def is_over(self) -> bool:
        """They are gone."""
        try:
            return is_readable(self._connection.fileno()) and not self._connection.recv(1)
        except OSError:
            return True

    def use(self) -> None:
        """Nobody needs to know."""


def serve_forks(trunk: Trunk, listener: socket.socket, connection: socket.socket) -> NoReturn:
    """Fork for whoever asks on the listening socket, until whoever had the trunk made is gone."""
    place = listener.getsockname()
    outlive_peer(connection.fileno())
    WarmParent(listener, trunk, Preloader(), Hold(connection), idle_seconds=FOREVER_SECONDS).serve()
    Path(place).unlink(missing_ok=True)
    os._exit(0)


def why_not_forked(loop: asyncio.AbstractEventLoop, opened_before: Mapping[int, str]) -> str:
    """What lives in this process and would not, or twice, in a fork of it; empty when it may be forked.

    Args:
        loop: The kernel's.
        opened_before: Descriptors that were there before the first cell, and what they led to.
    """
    alive = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    native = threads()
    if alive or len(native) > _threads_of_openblas():
        return f"a thread lives: {', '.join(alive or native)}"
    if any(not task.done() for task in asyncio.all_tasks(loop)):
        return "a task of asyncio waits"
    if psutil.Process().children():
        return "a process that a cell started lives"
    opened = [one for one in sorted(open_descriptors().items()) if one not in opened_before.items()]
    return next((reason for reason in starmap(why_not_shared, opened) if reason), "") or _mapped()


def _threads_of_openblas() -> int:
    """How many threads OpenBLAS keeps waiting: it ends them before a fork, and starts them again when it needs them."""
    controller: Any = sys.modules.get("threadpoolctl")
    libraries = controller.ThreadpoolController().lib_controllers if controller is not None else ()
    return sum(one.num_threads - 1 for one in libraries if one.internal_api == "openblas")


def _mapped() -> str:
    """Memory that forks would share and write to."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        _, permissions, *rest = line.split(maxsplit=5)
        if permissions.startswith("rw") and permissions.endswith("s") and len(rest) > 3:  # noqa: PLR2004 - a path is there
            return f"memory is shared with {rest[-1]}"
    return ""
