"""papermill's own test notebooks, each with the outcome that its content asks for."""

from __future__ import annotations

import shutil
import signal
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Scene

# name: (status, cause, what the message says)
OUTCOMES = {
    # Its cell changes to papermill's source tree, which is not there.
    "binder": ("failed", "cell_error", "CalledProcessError"),
    "blank-vscode": ("succeeded", None, ""),
    # Python 2's print statement.
    "broken": ("failed", "cell_error", "SyntaxError"),
    # It holds the error marks of an earlier papermill run, which are no part of the notebook.
    "broken1": ("failed", "cell_error", "AssertionError (in cell 6)"),
    # Its own import is too old, its assertion false.
    "broken2": ("failed", "cell_error", "Error"),
    "gcs-simple_notebook": ("succeeded", None, ""),
    "line_magic_error": ("failed", "cell_error", "UsageError"),
    "nb_version_4.4": ("succeeded", None, ""),
    "no_parameters": ("succeeded", None, ""),
    # It looks for a file beside itself.
    "read_check": ("succeeded", None, ""),
    "report_mode_test": ("succeeded", None, ""),
    "result_no_exec": ("succeeded", None, ""),
    "s3-simple_notebook": ("succeeded", None, ""),
    "simple_execute": ("succeeded", None, ""),
    "sysexit": ("succeeded", None, "sys.exit(0)"),
    "sysexit0": ("succeeded", None, "sys.exit(0)"),
    "sysexit1": ("failed", "cell_error", "SystemExit: 1"),
    "systemexit": ("succeeded", None, "sys.exit(0)"),
    # It imports a package of old, ggplot.
    "test_logging": ("failed", "cell_error", "ModuleNotFoundError"),
    "test_notebooknode_io": ("succeeded", None, ""),
}
# It sleeps for a minute, in which it is interrupted.
INTERRUPTED = "keyboard_interrupt"
REFUSED = {
    # `= 2` in its parameters cell, on purpose.
    "complex_parameters": "are not Python: invalid syntax (line 14)",
    # Their kernels are not installed.
    "notimplemented_translator": "the kernel 'r' is not installed",
    "test_autosave": "the kernel 'python' is not installed",
}


def test_each_has_the_right_outcome(scene: Scene) -> None:
    notebooks = Path(str(resources.files("papermill"))) / "tests" / "notebooks"
    found = {path.stem: path for path in notebooks.rglob("*.ipynb")}
    assert set(found) == {*OUTCOMES, *REFUSED, INTERRUPTED}
    for path in found.values():
        shutil.copy(path, scene.root)
    (scene.root / "check.txt").touch()
    for name, message in REFUSED.items():
        _, errors = scene.command("run", f"{name}.ipynb", expect=2)
        assert message in errors
    assert not scene.contact()

    scene.configure("".join(f'[stages."{name}"]\nnotebook = "{name}.ipynb"\n' for name in OUTCOMES))
    records = {record["stage"]: record for record in scene.run("-j", "3", expect=1)}
    assert {name: (record["status"], record["cause"]) for name, record in records.items()} == {
        name: outcome[:2] for name, outcome in OUTCOMES.items()
    }
    for name, (*_, message) in OUTCOMES.items():
        assert message in records[name]["message"], name
        scene.executed(records[name])


def test_the_one_that_sleeps_is_interrupted(scene: Scene) -> None:
    shutil.copy(Path(str(resources.files("papermill"))) / "tests" / "notebooks" / f"{INTERRUPTED}.ipynb", scene.root)
    command = scene.start("run", f"{INTERRUPTED}.ipynb")
    run = scene.wait_until(lambda: scene.recorded().get(INTERRUPTED), "the run to be recorded")
    events = scene.folder(run) / "events.jsonl"
    scene.wait_until(lambda: events.exists() and "cell_started" in events.read_text(), "its cell to start")
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=scene.patience_seconds)
    assert command.returncode == 130
    run = scene.contact()[INTERRUPTED]
    assert (run.status.value, run.cause) == ("cancelled", "interrupted")
    assert scene.executed(run).cells[0].outputs[-1].ename == "Interrupted"
