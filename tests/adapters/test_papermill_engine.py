from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from nightbook.adapters.papermill_engine import fork_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.warmth import WarmFolder

ENGINE = "nightbook"
WHO = "import sys\nprint(type(sys.stdout).__module__)"


def notebook_of(folder: Path, *cells: str, kernel: str = "python3") -> Path:
    code = [nbformat.v4.new_code_cell(source) for source in cells]
    code[0].metadata["tags"] = ["parameters"]
    metadata = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    path = folder / "in.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=metadata), path)
    return path


def outputs(path: Path) -> list[Any]:
    return [cell.outputs for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def printed(shown: list[Any]) -> str:
    """What was printed."""
    return "".join(output.text for output in shown if output.output_type == "stream")


def test_papermills_own_command_takes_the_engine(shared_warm: WarmFolder, tmp_path: Path) -> None:
    plot = "%matplotlib inline\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, n])"
    source = notebook_of(tmp_path, "n = 1", WHO, plot, "1 / (n - 3)", "print('never')")
    command = [sys.executable, "-m", "papermill", str(source), str(tmp_path / "out.ipynb")]
    done = subprocess.run(
        [*command, "--engine", ENGINE, "-p", "n", "3", "--no-progress-bar"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    # papermill puts a word about the error on top, and the parameters behind their defaults.
    *_, who, plotted, raised, never = outputs(tmp_path / "out.ipynb")
    assert printed(who) == "nightbook.runs.warm.kernel\n"
    assert "image/png" in plotted[0].data
    assert raised[0].ename == "ZeroDivisionError"
    assert never == []


def test_a_program_takes_it_as_airflow_does(
    shared_warm: WarmFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = notebook_of(tmp_path, "n = 1", WHO, "import os\nprint(os.getcwd(), n + 1)")
    made = papermill.execute_notebook(
        str(source), "out.ipynb", parameters={"n": 4}, engine_name=ENGINE, progress_bar=False, report_mode=True
    )
    assert [printed(cell.outputs) for cell in made.cells[2:]] == [
        "nightbook.runs.warm.kernel\n",
        f"{tmp_path} 5\n",
    ]
    assert made.metadata.papermill.exception is None
    with pytest.raises(PapermillExecutionError, match="no luck"):
        papermill.execute_notebook(
            str(notebook_of(tmp_path, "n = 1", "raise ValueError('no luck')")),
            "failed.ipynb",
            engine_name=ENGINE,
            progress_bar=False,
        )


def test_where_no_fork_can_be_had_jupyters_kernel_is_used(warm: WarmFolder, tmp_path: Path) -> None:
    warm.path.chmod(0o755)
    source = notebook_of(tmp_path, "n = 1", WHO)
    made = papermill.execute_notebook(str(source), None, engine_name=ENGINE, progress_bar=False)
    assert printed(made.cells[1].outputs) == "ipykernel.iostream\n"
    assert fork_for("python3", []) == (None, "no warm process could be had")


def test_an_own_module_that_a_fork_may_not_see_is_imported_by_jupyters_kernel(
    shared_warm: WarmFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = str(notebook_of(tmp_path, "n = 1", "import yaml\nprint(yaml.__file__)"))
    for name, written, where in (("helper", "import yaml", "site-packages"), ("yaml", "", str(tmp_path))):
        (tmp_path / f"{name}.py").write_text(written, encoding="utf-8")
        made = papermill.execute_notebook(source, None, engine_name=ENGINE, progress_bar=False)
        assert where in printed(made.cells[1].outputs)
    reason = "its own module yaml stands in for an installed one"
    assert fork_for("python3", ["import helper"]) == (None, reason)


def test_a_kernel_of_another_language_is_jupyters(
    warm: WarmFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "jupyter" / "kernels" / "bash"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        f'{{"argv": ["{sys.executable}", "-m", "bash_kernel", "-f", "{{connection_file}}"],'
        ' "display_name": "Bash", "language": "bash"}'
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = notebook_of(tmp_path, "n=1", "echo hello from $0", kernel="bash")
    made = papermill.execute_notebook(str(source), None, engine_name=ENGINE, progress_bar=False, language="bash")
    assert "hello from" in made.cells[1].outputs[0].text
    assert list(warm.path.iterdir()) == []
