"""The same commands on Windows: CPython for Windows, Jupyter's kernel, SQLite and MLflow; only the system is Wine's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.warmth import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.windows.conftest import Windows

pytestmark = pytest.mark.slow
COUNT = "import time\nfor half in range(600):\n    print('begun', half, flush=True)\n    time.sleep(0.5)"


@pytest.fixture
def slow(windows: Windows, new_notebook: Callable[..., Path]) -> str:
    """A notebook that would run for minutes."""
    return new_notebook(windows.folder / "slow.ipynb", COUNT).name


def test_a_notebook_runs_is_reported_and_tracked(windows: Windows, new_notebook: Callable[..., Path]) -> None:
    cells = (
        "n: int = 1",
        "import sys, pandas as pd\nprint(sys.platform, n, 'é ✓')",
        "!echo of the shell",
        "await run()",
    )
    new_notebook(windows.folder / "one.ipynb", *cells[:2], "async def run(): return pd.Series([n]).sum()", *cells[2:])
    code, out, err = windows.nightbook("run", "one.ipynb", "-p", "n=2", "--json")
    assert code == 0, err
    (run,) = json.loads(out)["runs"]
    executed = json.loads((windows.folder / run["executed_notebook"]).read_text(encoding="utf-8"))
    shown = str([cell["outputs"] for cell in executed["cells"]])
    assert "win32 2 é ✓\\n" in shown
    assert "of the shell" in shown
    assert executed["metadata"]["nightbook"]["engine"] == "jupyter"
    assert run["mlflow_synced"]
    assert "of the shell" in (windows.folder / run["report"]).read_text(encoding="utf-8")
    assert "encryption" not in (windows.folder / run["report"]).with_name("log.txt").read_text(encoding="utf-8")
    assert windows.processes() == []


def test_a_sweep_runs_and_is_compared(windows: Windows, new_notebook: Callable[..., Path]) -> None:
    new_notebook(windows.folder / "one.ipynb", "n: int = 1", "print(n * n)")
    code, out, err = windows.nightbook("sweep", "one.ipynb", "--grid", "n=1,2", "--json")
    assert code == 0, err
    assert [run["status"] for run in json.loads(out)["runs"]] == ["succeeded"] * 2


def test_a_run_that_failed_says_why(windows: Windows, new_notebook: Callable[..., Path]) -> None:
    new_notebook(windows.folder / "fails.ipynb", "print('before')", "1 / 0")
    new_notebook(windows.folder / "dies.ipynb", "import os", "os._exit(7)")
    assert windows.nightbook("run", "fails.ipynb")[0] == 1
    assert windows.nightbook("run", "dies.ipynb")[0] == 1
    messages = {run["notebook"]: run["message"] for run in windows.runs()}
    assert messages["fails.ipynb"] == "ZeroDivisionError: division by zero (in cell 1)"
    assert messages["dies.ipynb"] == "the kernel exited with status 7 in cell 1"


def test_a_cell_that_takes_too_long_is_ended(windows: Windows, slow: str) -> None:
    (windows.folder / "nightbook.toml").write_text("cell_timeout_seconds = 4\n")
    assert windows.nightbook("run", slow)[0] == 1
    assert windows.runs()[0]["message"] == "a cell took longer than 4 s and was ended in cell 0"
    assert windows.processes() == []


def test_a_run_that_takes_too_much_memory_is_ended(windows: Windows, new_notebook: Callable[..., Path]) -> None:
    (windows.folder / "nightbook.toml").write_text("memory_bytes = 600_000_000\n")
    new_notebook(windows.folder / "large.ipynb", "held = [bytes(range(250)) * 40_000 for _ in range(120)]", COUNT)
    assert windows.nightbook("run", "large.ipynb")[0] == 1
    assert windows.runs()[0]["cause"] == "out_of_memory"
    assert windows.processes() == []


def test_a_run_is_cancelled_from_another_terminal(windows: Windows, slow: str) -> None:
    with windows.running("run", slow) as command:
        assert windows.nightbook("runs", "cancel", "1")[0] == 0
        command.communicate("")
    assert (windows.runs()[0]["status"], windows.runs()[0]["message"]) == ("cancelled", "interrupted in cell 0")
    until(lambda: not windows.processes())


def test_what_a_killed_command_leaves_is_ended(windows: Windows, slow: str) -> None:
    with windows.running("run", slow) as command:
        command.kill()
    until(lambda: not windows.processes())
    assert windows.runs()[0]["message"] == "the nightbook process that asked for it ended in cell 0"


def test_a_run_whose_supervisor_was_killed_is_over(windows: Windows, slow: str) -> None:
    with windows.running("run", slow) as command:
        (supervisor,) = (one for one in windows.processes() if "nightbook.runs.supervise" in one.cmdline())
        supervisor.kill()
        command.communicate("")
    assert windows.runs()[0]["message"] == "its supervisor ended without a word: nobody knows how far it came"
    until(lambda: not windows.processes())
