"""What can be shown of systems that are not here, with Python that lacks what only Linux, or only POSIX, has.

Windows itself is tried by `make test-windows`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.warmth import until

from nightbook.cli.main import COMMANDS
from nightbook.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.warmth import WarmFolder

# Python runs it at the start of every process, those included that a run starts. What brings something of
# its own for each system is loaded before, and the kernel's process is spared.
MACOS = """
import os, socket, sys
if "ipykernel_launcher" not in sys.orig_argv:
    import psutil, sysconfig, urllib.request
    sysconfig.get_config_vars()
    sys.platform = "darwin"
    for module, names in {
        os: "sched_getaffinity sched_setaffinity pidfd_open memfd_create setns unshare posix_fadvise",
        socket: "SO_PASSCRED SCM_CREDENTIALS SO_PEERCRED",
    }.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
"""
# As on Windows, threads wait for pipes, and kernels listen on ports.
PIPES_OF_WINDOWS = f"""{MACOS}
    import nightbook.systems
    nightbook.systems.IS_WINDOWS = True
    del os.set_blocking
"""
# Third parties are loaded as on Linux: they have their own ways with Windows.
WINDOWS = """
import os, signal, socket, subprocess, sys
signal.SIGBREAK, subprocess.CREATE_NEW_PROCESS_GROUP = signal.SIGTERM, 0
import asyncio.unix_events, filelock, jupytext, mlflow, multiprocessing.popen_fork, nbclient, nbconvert, nbformat, pandas
import papermill, psutil, rich.console, rich.live, rich.table, sqlalchemy.dialects.sqlite, tenacity, zmq.asyncio
import ipykernel.kernelapp, jupyter_client.provisioning, jupyterlab.labapp, nbdime, psutil, sqlalchemy.dialects.postgresql
import securesystemslib.signer, starlette.applications, uvicorn
sys.platform = "win32"
for name in ("fcntl", "grp", "posix", "pty", "pwd", "resource", "termios"):
    sys.modules[name] = None
for module, names in {
    os: "fork killpg getuid geteuid getgid sched_getaffinity pidfd_open memfd_create mkfifo O_CLOEXEC O_ASYNC",
    signal: "SIGCHLD SIGHUP SIGKILL SIGQUIT SIGUSR1 pidfd_send_signal pthread_sigmask set_wakeup_fd",
    socket: "AF_UNIX SO_PASSCRED SCM_CREDENTIALS SCM_RIGHTS CMSG_SPACE",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""
# What a command has carried out in processes of their own.
PROCESSES = [
    "nightbook.runs.supervise",
    "nightbook.runs.runner",
    "nightbook.runs.engine",
    "nightbook.runs.publish",
    "nightbook.runs.pages",
    "nightbook.runs.ledger",
]


def with_prelude(folder: Path, prelude: str) -> dict[str, str]:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(prelude, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.fixture
def on_macos(tmp_path: Path) -> dict[str, str]:
    return with_prelude(tmp_path / "macos", MACOS)


@pytest.fixture
def on_windows(tmp_path: Path) -> dict[str, str]:
    return with_prelude(tmp_path / "windows", PIPES_OF_WINDOWS)


def test_a_notebook_runs_with_the_default_engine_where_linux_is_missing(
    tmp_path: Path, new_notebook: Callable[..., Path], on_macos: dict[str, str], warm: WarmFolder
) -> None:
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "print('n is', n)")
    command = [sys.executable, "-m", "nightbook", "run", str(notebook), "-p", "n=2", "--json"]
    done = subprocess.run(command, cwd=notebook.parent, env=on_macos, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["runs"][0]
    executed = json.loads((notebook.parent / run["executed_notebook"]).read_text(encoding="utf-8"))
    assert run["status"] == "succeeded"
    assert (notebook.parent / run["report"]).exists()
    assert {key: executed["metadata"]["nightbook"][key] for key in ("engine", "engine_reason")} == {
        "engine": "jupyter",
        "engine_reason": "the fork engine needs Linux",
    }
    assert list(warm.path.iterdir()) == []
    assert "n is 2" in str(executed["cells"][-1]["outputs"])


def test_a_sweep_runs_where_linux_is_missing(
    tmp_path: Path, new_notebook: Callable[..., Path], on_macos: dict[str, str]
) -> None:
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "print('n is', n)")
    command = [sys.executable, "-m", "nightbook", "sweep", str(notebook), "--grid", "n=1,2", "--json"]
    done = subprocess.run(command, cwd=notebook.parent, env=on_macos, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [run["status"] for run in json.loads(done.stdout)["runs"]] == ["succeeded"] * 2


def test_a_notebook_runs_where_threads_wait_for_pipes(
    tmp_path: Path, new_notebook: Callable[..., Path], on_windows: dict[str, str]
) -> None:
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "!echo to the log >&2", "print('n is', n)")
    command = [sys.executable, "-m", "nightbook", "run", str(notebook), "-p", "n=2", "--json"]
    done = subprocess.run(command, cwd=notebook.parent, env=on_windows, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)["runs"][0]
    assert "n is 2" in (notebook.parent / run["executed_notebook"]).read_text(encoding="utf-8")
    assert "encryption" not in (notebook.parent / run["report"]).with_name("log.txt").read_text(encoding="utf-8")


def test_a_run_is_cancelled_where_threads_wait_for_pipes(
    tmp_path: Path, new_notebook: Callable[..., Path], on_windows: dict[str, str]
) -> None:
    notebook = new_notebook(tmp_path / "shop" / "slow.ipynb", "print('begun', flush=True)\nwhile True: pass")
    command = [sys.executable, "-m", "nightbook", "run", str(notebook)]
    with subprocess.Popen(command, cwd=notebook.parent, env=on_windows, stderr=subprocess.DEVNULL) as running:
        events = notebook.parent / ".nightbook" / "runs"
        until(lambda: any("begun" in one.read_text() for one in events.glob("*/events.jsonl")))
        cancel = [sys.executable, "-m", "nightbook", "runs", "cancel", "1"]
        done = subprocess.run(cancel, cwd=notebook.parent, env=on_windows, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert running.returncode == ExitCode.INTERRUPTED


def test_no_module_needs_posix_to_be_imported() -> None:
    commands = [name.replace("-", "_") for name in COMMANDS]
    modules = [*(f"nightbook.cli.{name}" for name in ("entry", "main", *commands)), *PROCESSES]
    code = f"{WINDOWS}\nfrom importlib import import_module\nfor name in {modules!r}:\n    import_module(name)\nprint('all')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "all\n", done.stderr
