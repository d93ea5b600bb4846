"""What one more run of the small notebook holds while it runs, against one more kernel of Jupyter's that has run it.

In proportional set sizes: what processes share is counted once, spread over them. So the difference between few and
many at once is what one of them costs.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import start_new_kernel

from nightbook.runs.warm.places import FOLDER
from notebooks import HOLDING, SMALL, write_notebook
from ours import sweep_command, write_sets
from timing import Finding, Statement, at_most_share, complaints_in
from warm import MEBIBYTE, everybody_of, memory_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psutil
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

    from sizes import Size

PATIENCE_SECONDS = 300.0
SETTLING_SECONDS = 1.0
THIRD = 1 / 3
PARENT = " parent "
ROLES = {
    "supervisor": "nightbook.runs.supervise",
    "runner": "nightbook.runs.engine",
    "keeper": "nightbook keeper",
    "kernel": "nightbook kernel",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Mebibytes of one process.

    Attributes:
        shared: With its part of what it shares.
        own: What it shares with nobody.
    """

    shared: float
    own: float


def measure(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """One more run, and its kernel alone."""
    notebook = write_notebook(folder / "holding.ipynb", HOLDING, has_parameters=True)
    few, _ = _held(folder / "few", notebook, environment, 1)
    many, roles = _held(folder / "many", notebook, environment, 1 + size.held)
    with complaints_in(folder / "complaints.log"):
        standard = (_kernels(folder, 1 + size.held) - _kernels(folder, 1)) / size.held
    whole = (many - few) / size.held
    shares = ", ".join(f"{role} {one.shared:.0f} ({one.own:.0f})" for role, one in roles.items())
    peer, theirs = "Jupyter's kernel", standard / MEBIBYTE
    return [
        at_most_share("one more run: all of it", whole / MEBIBYTE, peer, theirs, THIRD),
        at_most_share("one more run: its kernel", roles["kernel"].shared, peer, theirs, THIRD),
        Statement(measure="  MiB of each run's", figure=f"{shares} (in brackets: shared with nobody)"),
    ]


def _held(folder: Path, notebook: Path, environment: Mapping[str, str], count: int) -> tuple[float, dict[str, Share]]:
    """Bytes of all our processes while so many runs wait at their last cell; and by role, for one run."""
    folder.mkdir()
    sets = write_sets(folder / "sets.jsonl", [{"number": number, "hold": str(folder)} for number in range(count)])
    command = sweep_command(notebook, sets, count, "--no-share")
    with subprocess.Popen(
        command, cwd=notebook.parent, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        try:
            _await_files(folder, count, client)
            everybody = everybody_of(Path(environment[FOLDER]))
            total = sum(memory_of(one.pid) for one in everybody)
            roles = {role: _share_of(mark, everybody) for role, mark in ROLES.items()}
        finally:
            (folder / "release").touch()
        _, said = client.communicate()
    if client.returncode:
        message = f"the runs that were looked at failed: {said[-2000:]}"
        raise RuntimeError(message)
    return total, roles


def _share_of(mark: str, everybody: Sequence[psutil.Process]) -> Share:
    """The mean of the processes whose titles bear a mark."""
    titles = {process.pid: " ".join(process.cmdline()) for process in everybody}
    pids = [pid for pid, title in titles.items() if mark in title and PARENT not in title]
    count = MEBIBYTE * max(1, len(pids))
    own = sum(memory_of(pid, "Private_Clean") + memory_of(pid, "Private_Dirty") for pid in pids)
    return Share(shared=sum(map(memory_of, pids)) / count, own=own / count)


def _await_files(folder: Path, count: int, client: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len([*folder.glob("ready-*")]) < count:
        if time.monotonic() > deadline or client.poll() is not None:
            message = "the runs did not come to their last cell"
            raise RuntimeError(message)
        time.sleep(SETTLING_SECONDS / 10)
    time.sleep(SETTLING_SECONDS)


def _kernels(folder: Path, count: int) -> float:
    """Bytes of so many kernels of Jupyter's that have executed the small notebook."""
    with ExitStack() as stack:
        pids = []
        for _ in range(count):
            manager, client = start_new_kernel(cwd=str(folder))
            stack.callback(manager.shutdown_kernel, now=True)
            stack.callback(client.stop_channels)
            _execute(client, SMALL)
            pids.append(_pid_of(manager))
        time.sleep(SETTLING_SECONDS)
        return sum(map(memory_of, pids))


def _pid_of(manager: KernelManager) -> int:
    provisioner: Any = manager.provisioner  # the local one, which has what its interface does not name
    return int(provisioner.pid)


def _execute(client: BlockingKernelClient, sources: Sequence[str]) -> None:
    for source in sources:
        reply = client.execute_interactive(source, output_hook=lambda _: None, timeout=PATIENCE_SECONDS)
        if reply["content"]["status"] != "ok":
            message = f"Jupyter's kernel could not execute {source!r}"
            raise RuntimeError(message)
