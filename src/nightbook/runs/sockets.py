"""Where a run's kernels listen: sockets in folders that only their owner may enter, gone when the run is."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from nightbook.errors import StorageError
from nightbook.runs.warm.places import Place, warm_folder


def socket_folder(run_id: str) -> Path:
    """A short path on a local disk: some hundred bytes are the limit, and not every network disk takes sockets."""
    return Path(tempfile.gettempdir()) / f"nightbook-{run_id}"


def remove_sockets(run_id: str) -> None:
    """Leave nothing behind, whoever was killed."""
    shutil.rmtree(socket_folder(run_id), ignore_errors=True)


def trunk_place(run_id: str, folder: str) -> Place:
    """Where the kernel listens that has executed what a sweep's sets share of one stage.

    Args:
        run_id: The sweep's.
        folder: The stage's, in the sweep's own.

    Raises:
        StorageError: There is no folder that only this user may enter.
    """
    return Place(key=f"trunk-{run_id}-{sha256(folder.encode()).hexdigest()[:8]}", folder=warm_folder(os.environ))


def remove_trunk_sockets(run_id: str) -> None:
    """The same for what a sweep's sets share: who is killed in the middle of it removes nothing."""
    with suppress(StorageError):
        for place in warm_folder(os.environ).glob(f"trunk-{run_id}-*.sock"):
            place.unlink(missing_ok=True)
