"""What one more run of the small notebook holds while it runs, against one more kernel of Jupyter's that has run it.

In proportional set sizes: what processes share is counted once, spread over them. So the difference between few and
many at once is what one of them costs.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

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

    from sizes import Size

PATIENCE_SECONDS = 300.0
SETTLING_SECONDS = 1.0
THIRD = 1 / 3
ROLES = {
    "supervisor": "nightbook.runs.supervise",
    "runner": "nightbook.runs.engine",
    "keeper": "nightbook keeper",
    "kernel": "nightbook kernel",
}


def measure(folder: Path, environment: Mapping[str, str], size: Size) -> list[Finding]:
    """One more run, and its kernel alone."""
    notebook = write_notebook(folder / "holding.ipynb", HOLDING, has_parameters=True)
    few, _ = _held(folder / "few", notebook, environment, 1)
    many, roles = _held(folder / "many", notebook, environment, 1 + size.held)
    with complaints_in(folder / "complaints.log"):
        standard = (_kernels(folder, 1 + size.held) - _kernels(folder, 1)) / size.held
    whole = (many - few) / size.held
    shares = ", ".join(f"{role} {size_of / MEBIBYTE:.0f}" for role, size_of in roles.items())
    peer, theirs = "Jupyter's kernel", standard / MEBIBYTE
    return [
        at_most_share("one more run: all of it", whole / MEBIBYTE, peer, theirs, THIRD),
        at_most_share("one more run: its kernel", roles["kernel"] / MEBIBYTE, peer, theirs, THIRD),
        Statement(measure="  MiB of each run's", figure=shares),
    ]


def _held(folder: Path, notebook: Path, environment: Mapping[str, str], count: int) -> tuple[float, dict[str, float]]:
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
            sizes = {one: memory_of(one.pid) for one in everybody}
            titles = {one: " ".join(one.cmdline()) for one in everybody}
        finally:
            (folder / "release").touch()
        _, said = client.communicate()
    if client.returncode:
        message = f"the runs that were looked at failed: {said[-2000:]}"
        raise RuntimeError(message)
    return sum(sizes.values()), {role: _mean(sizes, titles, mark) for role, mark in ROLES.items()}


def _mean(sizes: Mapping[psutil.Process, int], titles: Mapping[psutil.Process, str], mark: str) -> float:
    found = [size for process, size in sizes.items() if mark in titles[process] and " parent " not in titles[process]]
    return sum(found) / max(1, len(found))


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
            pids.append(int(manager.provisioner.pid))
        time.sleep(SETTLING_SECONDS)
        return sum(map(memory_of, pids))


def _execute(client: BlockingKernelClient, sources: Sequence[str]) -> None:
    for source in sources:
        reply = client.execute_interactive(source, output_hook=lambda _: None, timeout=PATIENCE_SECONDS)
        if reply["content"]["status"] != "ok":
            message = f"Jupyter's kernel could not execute {source!r}"
            raise RuntimeError(message)
