"""Where a run's kernel listens: sockets in a folder that only its owner may enter, gone when the run is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path


def socket_folder(run_id: str) -> Path:
    """A short path on a local disk: some hundred bytes are the limit, and not every network disk takes sockets."""
    return Path(tempfile.gettempdir()) / f"nightbook-{run_id}"


def remove_sockets(run_id: str) -> None:
    """Leave nothing behind, whoever was killed."""
    shutil.rmtree(socket_folder(run_id), ignore_errors=True)
