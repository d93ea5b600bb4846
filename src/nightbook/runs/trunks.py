"""Kernels that have executed what the runs of a sweep have in common, as those see them who make and ask them."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.files import write_atomically
from nightbook.runs.containment import choose_containment
from nightbook.runs.executed import prepared_notebook
from nightbook.runs.interruption import Interruption
from nightbook.runs.request import TRUNK
from nightbook.runs.shared_cells import index_of, shared_end
from nightbook.runs.sockets import remove_trunk_sockets
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import Imports, fork_kernel, fork_trunk
from nightbook.runs.warm.places import KERNEL, Place, place_of, secret_variables, warm_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.runs.request import ExecutionRequest
    from nightbook.runs.warm.kernels import KernelEnds


@contextmanager
def listening_at(place: Place) -> Iterator[int]:
    """A descriptor of a socket that listens there."""
    place.socket.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.socket))
        listener.listen(socket.SOMAXCONN)
        yield listener.fileno()


def trunk_kernel(request: ExecutionRequest, listener: int) -> KernelEnds | None:
    """A kernel that can become a trunk, and ends with this process; None when no warm parent is there."""
    place = place_of(KERNEL, os.environ, root=request.warm_root, secrets=secret_variables(request.secrets))
    surroundings = present_surroundings(request.working_directory)
    imports = Imports(now=request.imports)
    ends = fork_trunk(place, surroundings, imports=imports, log=sys.stdout.fileno(), listener=listener)
    if ends is not None:
        Interruption.signal_kernel = partial(_end_trunk, request.run_id, ends.keeper_pid)
    return ends


def _end_trunk(run_id: str, pid: int, _: signal.Signals) -> None:
    remove_trunk_sockets(run_id)
    if sys.platform != "win32":
        os.killpg(pid, signal.SIGKILL)


def leave_trunk(request: ExecutionRequest, *, reason: str, place: Place | None = None) -> None:
    """Say where the trunk is, or why there is none."""
    words = {"reason": reason, "key": place.key if place else ""}
    write_atomically(Path(request.folder) / TRUNK, json.dumps(words).encode())


def fork_from_trunk(request: ExecutionRequest) -> KernelEnds | None:
    """A kernel that has executed the shared cells; None when there is none to be had."""
    if request.sharing is None:
        return None
    with suppress(OSError, ValueError, StorageError):
        folder = Path(request.sharing.folder)
        words = json.loads((folder / TRUNK).read_text(encoding="utf-8"))
        if words["reason"] or not _is_same_so_far(request, folder):
            return None
        return fork_kernel(
            Place(key=words["key"], folder=warm_folder(os.environ)),
            present_surroundings(request.working_directory, request.limits.memory_bytes),
            choose_containment(request.containment),
            log=sys.stdout.fileno(),
            is_parent_started=False,
        )
    return None


def _is_same_so_far(request: ExecutionRequest, folder: Path) -> bool:
    """What the trunk has executed is what this run would execute; only the injected values may differ."""
    assert request.sharing is not None  # noqa: S101 - the caller has one
    ours, theirs = (prepared_notebook(one)["cells"] for one in (Path(request.folder), folder))
    end = shared_end(ours, request.sharing)
    return [(index_of(one), index_of(one) is None or one["source"]) for one in ours[:end]] == [
        (index_of(one), index_of(one) is None or one["source"]) for one in theirs[:end]
    ]
