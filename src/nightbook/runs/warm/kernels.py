"""Kernels from warm parents: what connects us with one, and how to get it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.runs.warm.asking import ask
from nightbook.runs.warm.isolation import INLINE, ONE_THREAD
from nightbook.runs.warm.orders import Order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.containment import Containment
    from nightbook.runs.warm.isolation import Surroundings
    from nightbook.runs.warm.places import Place


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
    modules: Sequence[str] = (),
    expected: Sequence[str] = (),
    log: int = 2,
) -> KernelEnds | None:
    """Have a kernel forked; None when no parent could be had.

    Args:
        place: Of the parent.
        surroundings: What the kernel starts with.
        containment: How its processes are held together.
        modules: What its notebook imports.
        expected: What other notebooks of the project import.
        log: A descriptor of the run's log.
    """
    messages, theirs = socket.socketpair()
    printed, prints = os.pipe()
    complained, complains = os.pipe()
    order = Order(
        surroundings=surroundings, containment=containment.value, modules=tuple(modules), expected=tuple(expected)
    )
    try:
        given = (theirs.fileno(), prints, complains, log)
        forked = ask(place, order, given, parents_environment(surroundings.environment))
    finally:
        theirs.close()
        os.close(prints)
        os.close(complains)
    if forked is None:
        messages.close()
        os.close(printed)
        os.close(complained)
        return None
    return KernelEnds(
        keeper_pid=forked.pid,
        keeper=forked.connection,
        messages=messages,
        printed=printed,
        complained=complained,
        log=log,
    )


def parents_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """With which a parent of kernels is started: libraries keep to one thread until they have been forked."""
    # ipykernel's own defaults, which matplotlib and debugpy read when they are imported.
    defaults = {"MPLBACKEND": INLINE, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**defaults, **environment, **ONE_THREAD}
