"""How a warm parent begins: `-c` code of `nightbook.runs.warm.starting` with a socket's number, a key and a folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from setproctitle import setproctitle

from nightbook.loading import UNUSED_VALIDATORS, collect_rarely, without
from nightbook.runs.warm.bounds import rise
from nightbook.runs.warm.parent import WarmParent
from nightbook.runs.warm.places import IDLE, KERNEL, Place
from nightbook.runs.warm.preload import Preloader, threads
from nightbook.runs.warm.tenancy import Tenancy

UNFIT = "NIGHTBOOK_WARM_UNFIT"
IDLE_SECONDS = 600.0


def main() -> None:
    """Load what every fork needs, serve."""
    number, place = int(sys.argv[1]), Place(key=sys.argv[2], folder=Path(sys.argv[3]))
    # The shell that started us has the keyboard's signals ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    rise()
    # Where a module has taken us that proved unfit, should this be a new beginning.
    os.chdir(place.folder)
    kind = place.key.partition("-")[0]
    setproctitle(f"nightbook {kind} parent {place.key}")
    tenancy = Tenancy(place)
    tenancy.make_room()
    tenancy.tidy()
    if kind != KERNEL:
        collect_rarely()
    unfit: dict[str, str] = json.loads(os.environ.pop(UNFIT, "{}"))
    role = import_module("nightbook.runs.warm.roles").role_of(kind)
    with without(*UNUSED_VALIDATORS):
        role.load()
    if threads():
        sys.stderr.write(f"cannot fork beside threads: {', '.join(threads())}\n")
        _leave(tenancy)
    # Held here: it is to be open still when this begins again.
    listener = socket.socket(fileno=number)
    found = WarmParent(
        listener,
        role,
        Preloader(unfit),
        tenancy,
        idle_seconds=float(os.environ.get(IDLE, IDLE_SECONDS)),
    ).serve()
    if found is None:
        _leave(tenancy)
    sys.stderr.write(f"begins again without {found.module}, which {found.reason}\n")
    os.environ[UNFIT] = json.dumps({**unfit, found.module: found.reason})
    listener.set_inheritable(True)
    os.execv(sys.executable, [*sys.orig_argv])  # noqa: S606 - ourselves


def _leave(tenancy: Tenancy) -> NoReturn:
    tenancy.give_up()
    os._exit(0)
