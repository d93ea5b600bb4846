from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import NotebookError
from nightbook.notebooks.document import CellKind, notebook_from_bytes, read_notebook
from nightbook.notebooks.parameters import read_parameters

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PERCENT = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A notebook in jupytext's percent format

# %% tags=["parameters"]
month: int = 6  # calendar month

# %%
# %matplotlib inline
print(month)
"""
LIGHT = """\
# # A notebook in jupytext's light format

# + tags=["parameters"]
month: int = 6  # calendar month
# -

print(month)
"""
MARKDOWN = """\
---
jupyter:
  kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A notebook in Markdown

```python tags=["parameters"]
month: int = 6  # calendar month
```

```python
print(month)
```
"""


def code(source: object, **more: object) -> dict[str, object]:
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return {**cell, **more}


def write(path: Path, *cells: object, **more: object) -> Path:
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}))
    return path


def test_cells_keep_their_order_kind_and_tags(tmp_path: Path) -> None:
    markdown = {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "prose"]}
    raw = {"cell_type": "raw", "metadata": {}, "source": "raw"}
    tagged = code(["a = 1\n", "b = 2"], metadata={"tags": ["parameters", "wide"]})
    notebook = read_notebook(write(tmp_path / "a.ipynb", markdown, tagged, raw))
    assert [cell.kind for cell in notebook.cells] == [CellKind.MARKDOWN, CellKind.CODE, CellKind.RAW]
    assert notebook.cells[0].source == "# Title\nprose"
    assert notebook.code_cells == (notebook.cells[1],)
    assert notebook.parameters_cell == notebook.cells[1]
    assert notebook.cells[1].tags == {"parameters", "wide"}
    assert notebook.cells[1].index == 1


def test_a_file_is_understood_once_and_anew_when_it_says_something_else_however_soon(tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text(PERCENT, encoding="utf-8")
    first = read_notebook(path)
    assert read_notebook(path) is first
    path.write_text(PERCENT.replace("6", "7"), encoding="utf-8")
    assert read_parameters(read_notebook(path))[0].default == 7
    path.write_text(PERCENT, encoding="utf-8")
    assert read_parameters(read_notebook(path))[0].default == 6


def test_outputs_are_left_behind(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["6\n"]}
    notebook = read_notebook(write(tmp_path / "a.ipynb", code("1", outputs=[output], execution_count=7)))
    (cell,) = json.loads(json.dumps(notebook.content))["cells"]
    assert cell["outputs"] == []
    assert cell["execution_count"] is None


def test_the_code_digest_ignores_outputs_metadata_ids_and_prose(tmp_path: Path) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": ["6\n"]}
    one = read_notebook(write(tmp_path / "one.ipynb", code(["x = 1\n", "x"], id="a", outputs=[output])))
    prose = {"cell_type": "markdown", "metadata": {}, "source": "prose"}
    other = read_notebook(
        write(tmp_path / "other.ipynb", prose, code("x = 1\nx", id="b", metadata={"collapsed": True}))
    )
    changed = read_notebook(write(tmp_path / "changed.ipynb", code("x = 2\nx")))
    assert one.code_digests == other.code_digests
    assert one.code_digests != changed.code_digests


@pytest.mark.parametrize(
    ("metadata", "kernel", "language"),
    [
        ({}, "", "python"),
        ({"kernelspec": {"name": "python3", "display_name": "Python 3"}}, "python3", "python"),
        ({"kernelspec": {"name": "flights-env", "language": "python"}}, "flights-env", "python"),
        ({"kernelspec": {"name": "bash", "display_name": "Bash"}}, "bash", "bash"),
        ({"kernelspec": {"name": "ir"}}, "ir", "R"),
        ({"kernelspec": {"name": "julia-1.11"}}, "julia-1.11", "julia"),
        ({"kernelspec": {"name": "x"}, "language_info": {"name": "R"}}, "x", "R"),
        ({"kernelspec": None}, "", "python"),
    ],
)
def test_kernel_and_language_come_from_the_metadata(
    tmp_path: Path, metadata: dict[str, object], kernel: str, language: str
) -> None:
    notebook = read_notebook(write(tmp_path / "a.ipynb", metadata=metadata))
    assert (notebook.kernel_name, notebook.language) == (kernel, language)


@pytest.mark.parametrize(("name", "text"), [("a.py", PERCENT), ("b.py", LIGHT), ("c.md", MARKDOWN)])
def test_text_notebooks_read_like_others(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    notebook = read_notebook(path)
    assert [cell.kind for cell in notebook.cells] == [CellKind.MARKDOWN, CellKind.CODE, CellKind.CODE]
    assert notebook.language == "python"
    (month,) = read_parameters(notebook)
    assert (month.name, month.default, month.help) == ("month", 6, "calendar month")
    assert notebook.content == read_notebook(path).content


def test_a_magic_that_jupytext_comments_out_is_code_again(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(PERCENT)
    assert read_notebook(path).cells[-1].source == "%matplotlib inline\nprint(month)"


def test_a_text_notebook_of_another_language_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text('```bash tags=["parameters"]\nmonth=6\n```\n')
    notebook = read_notebook(path)
    assert notebook.language == "bash"
    assert read_parameters(notebook) == ()


def test_a_notebook_is_read_from_bytes_in_hand(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", code("1"))
    source = path.read_bytes()
    expected = read_notebook(path)
    path.unlink()
    assert notebook_from_bytes(path, source) == expected


@pytest.mark.parametrize(
    ("source", "said", "tried"),
    [
        (b"", "is empty", "git checkout"),
        (b'{"cells": [\n  {"cell_type": "code",\n   "source": ["1"', "line 3, column 18", "git checkout"),
        (b"[]", "has no 'nbformat'", "JupyterLab"),
        (b'{"a": 1}', "has no 'nbformat'", "JupyterLab"),
        (b'{"nbformat": "four"}', "has no 'nbformat'", "JupyterLab"),
        (b'{"nbformat": 3, "worksheets": []}', "notebook format 3", "jupyter nbconvert --to notebook --inplace"),
        (b'{"nbformat": 5}', "newer than this program", "pip install --upgrade nightbook"),
        (b'{"nbformat": 4}', "no list of cells", "JupyterLab"),
        (b'{"nbformat": 4, "cells": [1]}', "no list of cells", "JupyterLab"),
        (
            b'{"nbformat": 4, "cells": [{"cell_type": "heading", "source": ""}]}',
            "unknown type ('heading')",
            "JupyterLab",
        ),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}', "cell 0", "JupyterLab"),
        (b"\x89PNG\r\n\x1a\n", "no UTF-8 text", ""),
        (b"[" * 100_000, "nested too deeply", ""),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(tmp_path: Path, source: bytes, said: str, tried: str) -> None:
    path = tmp_path / "train.ipynb"
    path.write_bytes(source)
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    assert said in caught.value.message
    assert "train.ipynb" in caught.value.message
    assert tried in caught.value.remedy


def test_two_parameters_cells_are_refused(tmp_path: Path) -> None:
    tagged = code("a = 1", metadata={"tags": ["parameters"]})
    with pytest.raises(NotebookError, match=r"2 cells tagged 'parameters' \(cells 0, 2\)"):
        read_notebook(write(tmp_path / "a.ipynb", tagged, code("2"), tagged))


def test_a_missing_notebook_names_the_one_of_the_same_stem(tmp_path: Path) -> None:
    write(tmp_path / "train.ipynb")
    with pytest.raises(NotebookError) as caught:
        read_notebook(tmp_path / "train.py")
    assert caught.value.remedy == "did you mean 'train.ipynb'?"
    with pytest.raises(NotebookError) as caught:
        read_notebook(tmp_path / "other.ipynb")
    assert caught.value.remedy == "notebooks there: train.ipynb"
    with pytest.raises(NotebookError) as caught:
        read_notebook(tmp_path / "nowhere" / "train.ipynb")
    assert "does not exist either" in caught.value.remedy


def test_a_folder_and_another_kind_of_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="is a folder"):
        read_notebook(tmp_path)
    (tmp_path / "table.csv").write_text("a,b")
    with pytest.raises(NotebookError, match=r"ends in '\.csv'"):
        read_notebook(tmp_path / "table.csv")


def test_a_text_notebook_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotebookError, match="no UTF-8 text"):
        read_notebook(tmp_path / "a.py")


def test_reading_an_ipynb_loads_no_jupyter_library(write_notebook: Callable[..., Path]) -> None:
    path = write_notebook("month: int = 6")
    program = (
        "import sys; from pathlib import Path\n"
        "from nightbook.notebooks.document import read_notebook\n"
        "from nightbook.notebooks.parameters import read_parameters\n"
        f"assert read_parameters(read_notebook(Path({str(path)!r})))\n"
        "print([name for name in ('nbformat', 'jupytext', 'IPython', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
