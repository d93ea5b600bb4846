"""Runs and notebooks as the report gets them, and a Chromium without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.chromium import Opened

from nightbook.records import CellStatus, MetricPoint, Pin, Run, RunKind, RunStatus
from nightbook.runs.report import ReportContext, ReportParameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser

EXECUTE = """
import json, sys
import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
cells = [new_code_cell(source) for source in json.load(open(sys.argv[1]))]
notebook = new_notebook(cells=cells)
NotebookClient(notebook, timeout=240, allow_errors=True, store_widget_state=True, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""

RICH_CELLS = (
    "import numpy as np, pandas as pd",
    (
        "import plotly.io as pio\npio.renderers.default = 'plotly_mimetype'\nimport plotly.express as px\n"
        "px.scatter(x=np.arange(2000), y=np.arange(2000), render_mode='webgl')"
    ),
    "import altair as alt\nalt.Chart(pd.DataFrame({'a': [1, 2], 'b': [3, 4]}), title='Bars').mark_bar().encode(x='a:O', y='b:Q')",
    "from bokeh.io import output_notebook\nfrom bokeh.plotting import figure, show\noutput_notebook(hide_banner=True)",
    "plot = figure(width=300, height=200)\nplot.line([1, 2, 3], [1, 4, 9])\nshow(plot)",
    (
        "from bokeh.models import ColumnDataSource, DataTable, TableColumn\n"
        "show(DataTable(source=ColumnDataSource({'word': ['alpha', 'beta']}), columns=[TableColumn(field='word', title='Word')], width=300, height=120))"
    ),
    (
        "import ipywidgets as w\nw.VBox([w.IntSlider(value=7, description='trees'), w.Dropdown(options=['ridge', 'boosting'], value='boosting'), "
        "w.HTML('<b>bold</b>'), w.Checkbox(value=True, description='ready'), w.Password(value='hunter2', description='key')])"
    ),
    "from IPython.display import Math\nMath(r'\\sum_{i=1}^{n} \\frac{x_i}{n}')",
    "from sklearn.linear_model import Ridge\nRidge()",
    "pd.DataFrame({'x': range(5), 'y': [0.1] * 5}).style.highlight_max()",
    "pd.DataFrame(np.arange(60).reshape(2, 30))",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);",
)


@pytest.fixture
def make_run() -> Callable[..., Run]:
    base = Run(
        run_id="01JD0000000000000000000418", number=418, kind=RunKind.STAGE, status=RunStatus.SUCCEEDED, stage="train",
        notebook="notebooks/train.ipynb", started_at=datetime(2026, 11, 23, 2, 7, tzinfo=UTC),
        ended_at=datetime(2026, 11, 23, 2, 14, tzinfo=UTC), duration_seconds=431.2, fingerprint="sha256:" + "9b1e" * 16,
        git_commit="a3f9c21" + "0" * 33, git_dirty=False, metrics={"auc": 0.8731, "rows": 1204118.0},
        inputs=(Pin(name="flights", uri="data/raw/flights.parquet", digest="sha256:" + "ab12" * 16, size_bytes=4_500_000),),
        outputs=(Pin(name="model", uri="data/models/model.joblib", digest="sha256:" + "cd34" * 16, size_bytes=1_500_000),),
    )  # fmt: skip
    return lambda **changes: replace(base, **changes)


@pytest.fixture
def make_context(make_run: Callable[..., Run]) -> Callable[..., ReportContext]:
    points = (
        MetricPoint(name="auc", value=0.8731, better="higher"),
        *(MetricPoint(name="train_loss", value=1 / (step + 1), step=step, better="lower") for step in range(40)),
        *(MetricPoint(name="valid_loss", value=1.2 / (step + 1), step=step, better="lower") for step in range(40)),
    )
    base = ReportContext(
        run=make_run(), project="churn", points=points,
        parameters=(
            ReportParameter(name="max_depth", value=8, default=6, changed=True, help="depth of each tree", type="integer from 1 to 12"),
            ReportParameter(name="learning_rate", value=0.1, default=0.1),
            ReportParameter(name="zip", value="007", default="007"),
        ),
        environment={"Python": "3.11.2", "Kernel": "python3", "Environment": "sha256:" + "77d0" * 16},
    )  # fmt: skip
    return lambda **changes: replace(base, **changes)


@pytest.fixture
def make_notebook() -> Callable[..., dict[str, Any]]:
    def make(*cells: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": dict(metadata or {}),
            "cells": [dict(cell) for cell in cells],
        }

    return make


@pytest.fixture
def markdown_cell() -> Callable[..., dict[str, Any]]:
    return lambda source, tags=(): {"cell_type": "markdown", "source": source, "metadata": {"tags": list(tags)}}


@pytest.fixture
def code_cell() -> Callable[..., dict[str, Any]]:
    def make(
        source: str, outputs: Sequence[Mapping[str, Any]] = (), *, index: int = 0,
        status: CellStatus = CellStatus.SUCCEEDED, duration: float | None = 0.2, tags: Sequence[str] = (),
        is_shared: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        told: dict[str, Any] = {"index": index, "status": status.value, "duration_seconds": duration}
        told |= {"shared": True} if is_shared else {}
        return {
            "cell_type": "code", "source": source, "outputs": [dict(output) for output in outputs], "execution_count": 1,
            "metadata": {"tags": list(tags), "nightbook": told},
        }  # fmt: skip

    return make


@pytest.fixture(scope="session")
def rich_notebook(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A notebook executed for real, with an output of each library that the report supports."""
    notebook = _executed(tmp_path_factory.mktemp("rich"), RICH_CELLS)
    assert {cell["metadata"]["nightbook"]["status"] for cell in notebook["cells"]} == {"succeeded"}
    return notebook


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Execute cells for real, past any error."""
    return lambda *cells: _executed(tmp_path, cells)


def _executed(folder: Path, cells: Sequence[str]) -> dict[str, Any]:
    sources, executed = folder / "sources.json", folder / "executed.ipynb"
    sources.write_text(json.dumps(cells), encoding="utf-8")
    subprocess.run([sys.executable, "-c", EXECUTE, str(sources), str(executed)], check=True, capture_output=True)
    notebook: dict[str, Any] = json.loads(executed.read_text(encoding="utf-8"))
    for index, cell in enumerate(notebook["cells"]):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        status = "failed" if failed else "succeeded"
        cell["metadata"]["nightbook"] = {"index": index, "status": status, "duration_seconds": 0.1 * index}
    return notebook


@pytest.fixture
def open_html(browser: Browser, tmp_path: Path) -> Callable[..., AbstractContextManager[Opened]]:
    """Open HTML from disk with the network blocked; every request but for the file itself is written down."""

    @contextmanager
    def open_page(html: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Iterator[Opened]:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts, offline=True,
        )  # fmt: skip
        page = context.new_page()
        opened = Opened(page=page)
        page.on(
            "request", lambda request: opened.requests.append(request.url) if _is_outside(request.url, path) else None
        )
        page.on("console", lambda line: opened.problems.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: opened.problems.append(str(error)))
        page.goto(path.as_uri())
        yield opened
        context.close()

    return open_page


def _is_outside(url: str, path: Path) -> bool:
    return not url.startswith(("data:", "blob:")) and url.split("#", maxsplit=1)[0] != path.as_uri()
