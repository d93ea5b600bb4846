"""How a warm parent begins: `-c` code of `nightbook.runs.warm.asking` with a socket's number, a key and a folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

from setproctitle import setproctitle

from nightbook.loading import UNUSED_VALIDATORS, collect_rarely, without
from nightbook.runs.warm.parent import WarmParent
from nightbook.runs.warm.places import KERNEL, installed_state
from nightbook.runs.warm.preload import Preloader, threads

UNFIT = "NIGHTBOOK_WARM_UNFIT"
IDLE = "NIGHTBOOK_WARM_IDLE_SECONDS"
IDLE_SECONDS = 600.0


def main() -> None:
    """Load what every fork needs, serve."""
    number, key, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    # The shell that started us has the keyboard's signals ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    kind = key.partition("-")[0]
    setproctitle(f"nightbook {kind} parent {key}")
    if kind != KERNEL:
        collect_rarely()
    unfit: dict[str, str] = json.loads(os.environ.pop(UNFIT, "{}"))
    state = installed_state()
    role = import_module("nightbook.runs.warm.roles").role_of(kind)
    with without(*UNUSED_VALIDATORS):
        role.load()
    if threads():
        sys.stderr.write(f"cannot fork beside threads: {', '.join(threads())}\n")
        _leave(folder, key)
    listener = socket.socket(fileno=number)  # open for as long as this name holds it
    found = WarmParent(
        listener,
        role,
        Preloader(unfit),
        idle_seconds=float(os.environ.get(IDLE, IDLE_SECONDS)),
        is_stale=lambda: installed_state() != state,
    ).serve()
    if found is None:
        _leave(folder, key)
    sys.stderr.write(f"begins again without {found.module}, which {found.reason}\n")
    os.environ[UNFIT] = json.dumps({**unfit, found.module: found.reason})
    os.set_inheritable(number, True)  # noqa: FBT003 - no keyword there
    os.execv(sys.executable, [*sys.orig_argv])  # noqa: S606 - ourselves


def _leave(folder: Path, key: str) -> None:
    (folder / f"{key}.sock").unlink(missing_ok=True)
    os._exit(0)
