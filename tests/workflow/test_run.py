from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from nightbook.errors import NightbookError, PipelineError, StorageError
from nightbook.records import Run, RunStatus
from nightbook.settings import load_settings
from nightbook.workflow.requests import RunRequest, SilentWatcher, StageState
from nightbook.workflow.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Listener(SilentWatcher):
    """Remembers what it was told to wait for."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.is_told = threading.Event()

    def waiting(self, reason: str) -> None:
        self.reasons.append(reason)
        self.is_told.set()


def test_nothing_to_do_makes_no_run(finished_project: Path) -> None:
    request = RunRequest(settings=load_settings(finished_project, environment={}), targets=("make",))
    result = run(request, SilentWatcher())
    assert result.status is RunStatus.SUCCEEDED
    assert (result.parent, result.runs) == (None, ())
    assert [stage.state for stage in result.stages] == [StageState.UP_TO_DATE]


def test_a_run_says_that_it_waits_for_another_and_then_goes_on(project_copy: Path) -> None:
    settings = load_settings(project_copy, environment={})
    listener, results = Listener(), []
    with FileLock(settings.state / "run.lock"):
        assert (
            run(RunRequest(settings=settings, targets=("make",)), listener).plan is not None
        )  # up to date: no waiting
        request = RunRequest(settings=settings, targets=("make",), is_forced=True)
        thread = threading.Thread(target=lambda: results.append(run(request, listener)))
        thread.start()
        assert listener.is_told.wait(30)
        assert not results
    thread.join(140)
    assert "another nightbook run" in listener.reasons[0]
    assert results[0].status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("parameters", "kernel", "message"),
    [
        ('from nightbook import Input\nflights: Input = "../data/nowhere.parquet"', "python3", "nowhere.parquet"),
        ("rate: float = 0.1", "no-such-kernel", "no-such-kernel"),
        ('from nightbook import Secret\ntoken: Secret = "env:NO_SUCH"', "python3", "NO_SUCH"),
        ("rate: float", "python3", "rate"),
        ("alpha = 1\nbeta = alpha * 2", "python3", "beta"),
    ],
)
def test_what_cannot_run_is_refused_and_nothing_is_recorded(
    tmp_path: Path, new_notebook: Callable[..., Path], parameters: str, kernel: str, message: str
) -> None:
    path = new_notebook(tmp_path / "notebooks" / "load.ipynb", parameters)
    path.write_text(path.read_text().replace("python3", kernel))
    settings = load_settings(tmp_path, environment={})
    with pytest.raises(NightbookError, match=message):
        run(RunRequest(settings=settings), SilentWatcher())
    assert not settings.runs_folder.exists()


def test_who_ends_early_without_writing_succeeds_and_what_lies_there_from_before_is_not_taken_for_its_own(
    tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = 'from nightbook import Output\nhas_data: bool = True\nrows: Output = "../data/rows.txt"'
    cell = (
        "import nightbook\nif not has_data:\n    nightbook.exit_early('no data today')\nopen(rows, 'w').write('rows')"
    )
    new_notebook(tmp_path / "notebooks" / "load.ipynb", declared, cell)
    monkeypatch.chdir(tmp_path)
    settings = load_settings(tmp_path, environment={})

    def load(*, has_data: bool) -> Run:
        request = RunRequest(settings=settings, targets=("load",), parameters={"has_data": has_data})
        (record,) = run(request, SilentWatcher()).runs
        return record

    early = load(has_data=False)
    assert (early.status, early.message, early.outputs) == (RunStatus.SUCCEEDED, "no data today", ())
    assert [pin.uri for pin in load(has_data=True).outputs] == ["data/rows.txt"]
    again = load(has_data=False)
    assert (again.status, again.outputs) == (RunStatus.SUCCEEDED, ())
    # The rows are those of the run that wrote them: nothing is owed for that day.
    assert run(RunRequest(settings=settings, targets=("load",)), SilentWatcher()).runs == ()


@pytest.mark.parametrize("targets", [(), ("notebooks/fit.ipynb",), ("lone.ipynb",)])
def test_a_state_folder_that_cannot_be_used_is_named(
    tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, targets: tuple[str, ...]
) -> None:
    new_notebook(tmp_path / "notebooks" / "fit.ipynb", "n: int = 1")
    new_notebook(tmp_path / "lone.ipynb", "n: int = 1")
    (tmp_path / ".nightbook").touch()
    monkeypatch.chdir(tmp_path)
    request = RunRequest(settings=load_settings(tmp_path, environment={}), targets=targets)
    with pytest.raises(StorageError, match=r"\.nightbook"):
        run(request, SilentWatcher())


def test_a_project_without_a_stage_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="there is no stage in"):
        run(RunRequest(settings=load_settings(tmp_path, environment={})), SilentWatcher())


def test_what_was_made_while_a_module_was_edited_is_not_relied_upon(
    tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "src" / "feature.py"
    module.parent.mkdir()
    module.write_text("value = 1\n")
    edit = (
        "from pathlib import Path\nfile = Path('../src/feature.py')\n"
        "file.write_text('value = 2\\n')\nimport feature\nfile.write_text('value = 1\\n')"
    )
    new_notebook(tmp_path / "notebooks" / "fit.ipynb", "n: int = 1", edit)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    request = RunRequest(settings=load_settings(tmp_path, environment={}), targets=("fit",))
    (record,) = run(request, SilentWatcher()).runs
    assert record.message == "src/feature.py changed while it ran: the result will not be reused"
    assert len(run(request, SilentWatcher()).runs) == 1
