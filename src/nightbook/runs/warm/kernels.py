"""Kernels from warm parents: what connects us with one, and how to get it."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.runs.warm.asking import ask, ensure_parent
from nightbook.runs.warm.isolation import INLINE, ONE_THREAD
from nightbook.runs.warm.orders import Order
from nightbook.runs.warm.places import IDLE, KERNEL, place_of, secret_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.containment import Containment
    from nightbook.runs.warm.isolation import Surroundings
    from nightbook.runs.warm.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Imports:
    """Modules that a parent loads: before the fork, and when there is time after it."""

    now: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


NOTHING = Imports()


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelEnds:
    """Our ends of what connects us with a kernel.

    Attributes:
        keeper_pid: The process that holds all of the kernel's together.
        keeper: To the keeper.
        messages: To the kernel.
        printed: What it and its subprocesses write to standard output, below Python.
        complained: The same of standard error.
        log: A descriptor of the run's log.
    """

    keeper_pid: int
    keeper: socket.socket
    messages: socket.socket
    printed: int
    complained: int
    log: int

    def close(self) -> None:
        """Close them: the keeper ends what is left."""
        for end in (self.keeper, self.messages):
            end.close()
        for descriptor in (self.printed, self.complained):
            with suppress(OSError):
                os.close(descriptor)


def fork_kernel(
    place: Place,
    surroundings: Surroundings,
    containment: Containment,
    *,
    imports: Imports = NOTHING,
    log: int,
    is_parent_started: bool = True,
) -> KernelEnds | None:
    """Have a kernel forked; None when no parent could be had.

    Args:
        place: Of the parent.
        surroundings: What the kernel starts with.
        containment: How its processes are held together.
        imports: What to load before the fork.
        log: A descriptor of the run's log.
        is_parent_started: Start a parent when there is none.

    Raises:
        RefusalError: A fork would not see the modules that the notebook is to see.
    """
    order = Order(surroundings=surroundings, containment=containment.value, modules=imports.now, expected=imports.later)
    return _fork(place, order, (log,), parents_environment(surroundings.environment) if is_parent_started else None)


def fork_trunk(
    place: Place, surroundings: Surroundings, *, imports: Imports = NOTHING, log: int, listener: int
) -> KernelEnds | None:
    """Have a kernel forked that can fork itself, and that has no keeper; None when there is no parent.

    Args:
        place: Of the parent.
        surroundings: What the kernel starts with.
        imports: What to load before the fork.
        log: A descriptor of the run's log.
        listener: A descriptor of the socket where it will listen.

    Raises:
        RefusalError: As above.
    """
    order = Order(surroundings=surroundings, modules=imports.now, expected=imports.later)
    return _fork(place, order, (log, listener), None)


def _fork(
    place: Place, order: Order, descriptors: tuple[int, ...], environment: Mapping[str, str] | None
) -> KernelEnds | None:
    messages, theirs = socket.socketpair()
    printed, prints = os.pipe()
    complained, complains = os.pipe()
    with ExitStack() as ours:
        ours.enter_context(messages)
        for descriptor in (printed, complained):
            ours.callback(os.close, descriptor)
        try:
            forked = ask(place, order, (theirs.fileno(), prints, complains, *descriptors), environment)
        finally:
            theirs.close()
            os.close(prints)
            os.close(complains)
        if forked is None:
            return None
        ours.pop_all()
    if forked.handle >= 0:
        os.close(forked.handle)
    return KernelEnds(
        keeper_pid=forked.pid,
        keeper=forked.connection,
        messages=messages,
        printed=printed,
        complained=complained,
        log=descriptors[0],
    )


def warm_up(root: str, secrets: Sequence[str], idle_seconds: float) -> None:
    """Have a parent for kernels started, should there be none; a run that finds none takes the other engine.

    Args:
        root: The project.
        secrets: References of the secrets, which no parent needs to know.
        idle_seconds: How long it waits for work.
    """
    with suppress(StorageError):
        place = place_of(KERNEL, os.environ, root=root, secrets=secret_variables(secrets))
        ensure_parent(place, {**parents_environment(os.environ), IDLE: str(idle_seconds)})


def parents_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """With which a parent of kernels is started: libraries keep to one thread until they have been forked."""
    # ipykernel's own defaults, which matplotlib and debugpy read when they are imported.
    defaults = {"MPLBACKEND": INLINE, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**defaults, **environment, **ONE_THREAD}
