from __future__ import annotations

import atexit
import json
import math
import os
import pickle
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from nightbook.notebooks.inside import (
    MIME_TYPE,
    EarlyExit,
    exit_early,
    log_artifact,
    log_metric,
    log_metrics,
    log_model,
    log_param,
    log_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """A real IPython, as a kernel has one; without its history, which is a file of the user's."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    yield shell
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()


def sent(call: Callable[[], None]) -> tuple[dict[str, list[dict[str, object]]], str]:
    """The payload and the line of one call, checked to be strict JSON."""
    with capture_output() as captured:
        call()
    (output,) = captured.outputs
    payload = output.data[MIME_TYPE]
    json.dumps(payload, allow_nan=False)
    return payload, output.data["text/plain"]


def test_a_metric_leaves_the_kernel_with_all_it_says(shell: InteractiveShell) -> None:
    before = datetime.now(UTC)
    payload, line = sent(lambda: log_metric("rmse", 12.5, 3, better="lower", tolerance=0.1, unit="min"))
    (metric,) = payload["metrics"]
    at = datetime.fromisoformat(str(metric.pop("at")))
    assert before <= at <= datetime.now(UTC)
    assert metric == {"name": "rmse", "value": 12.5, "step": 3, "better": "lower", "tolerance": 0.1, "unit": "min"}
    assert line == "rmse = 12.5 min (step 3)"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (np.float64("-inf"), "-Infinity"),
    ],
)
def test_numbers_of_every_kind_are_metrics(shell: InteractiveShell, value: float, written: object) -> None:
    payload, _ = sent(lambda: log_metric("x", value))
    assert payload["metrics"][0]["value"] == written
    assert payload["metrics"][0]["step"] == 0


@pytest.mark.parametrize("value", ["1", b"1", None, [1], 1j, pd.Series([1, 2])])
def test_what_is_no_number_is_no_metric(value: object) -> None:
    with pytest.raises(TypeError, match="metric 'x'"):
        log_metric("x", value)  # type: ignore[arg-type]  # what a notebook without types may pass


def test_wrong_details_of_a_metric_are_refused() -> None:
    with pytest.raises(ValueError, match="is no name"):
        log_metric(" ", 1)
    with pytest.raises(ValueError, match="write 'higher' or 'lower'"):
        log_metric("x", 1, better="more")  # type: ignore[arg-type]  # a word that is not in the list
    with pytest.raises(ValueError, match="at least 0"):
        log_metric("x", 1, tolerance=-1)
    with pytest.raises(TypeError, match="is no integer"):
        log_metric("x", 1, step=0.5)  # type: ignore[arg-type]  # no integer


def test_several_metrics_leave_at_once(shell: InteractiveShell) -> None:
    payload, line = sent(lambda: log_metrics({"rmse": 1.5, "mae": np.float64(1)}, step=2))
    assert [(one["name"], one["value"], one["step"]) for one in payload["metrics"]] == [
        ("rmse", 1.5, 2),
        ("mae", 1.0, 2),
    ]
    assert line == "rmse = 1.5, mae = 1"


def test_a_parameter_found_on_the_way_is_recorded_as_json(shell: InteractiveShell) -> None:
    value = {"depth": np.int64(3), 1: [math.nan, date(2013, 1, 1), (None, True)], "path": Path("a")}
    payload, _ = sent(lambda: log_param("best", value))
    assert payload["parameters"] == {"best": {"depth": 3, "1": ["NaN", "2013-01-01", [None, True]], "path": "a"}}  # type: ignore[comparison-overlap]  # a mapping here


def test_artifacts_are_named_by_their_absolute_path(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plot.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    payload, line = sent(lambda: log_artifact("plot.png"))
    assert payload == {"artifacts": [{"path": str(tmp_path / "plot.png"), "name": "plot.png"}]}
    assert line == "artifact plot.png"
    payload, _ = sent(lambda: log_artifact(tmp_path, name="all"))
    assert payload["artifacts"][0]["name"] == "all"
    with pytest.raises(FileNotFoundError, match="there is nothing at"):
        log_artifact("other.png")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": [0.5, math.nan]}),
        {"a": [1, 2], "b": [0.5, math.nan]},
        [{"a": 1, "b": 0.5}, {"a": np.int64(2), "b": math.nan}],
    ],
)
def test_tables_of_every_kind_are_rows_and_columns(shell: InteractiveShell, frame: object) -> None:
    payload, line = sent(lambda: log_table("errors", frame))
    assert payload["tables"] == [{"name": "errors", "columns": ["a", "b"], "rows": [[1, 0.5], [2, "NaN"]]}]
    assert line == "table errors: 2 rows, 2 columns"


def test_a_table_too_large_or_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="10,001 rows"):
        log_table("x", {"a": range(10_001)})
    with pytest.raises(ValueError, match="zip"):
        log_table("x", {"a": [1], "b": []})
    with pytest.raises(TypeError, match="is no table"):
        log_table("x", 7)


def test_a_model_is_a_path_or_is_saved(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "model.onnx").write_bytes(b"x")
    payload, line = sent(lambda: log_model(tmp_path / "model.onnx"))
    assert payload["models"] == [{"path": str(tmp_path / "model.onnx"), "name": "model.onnx"}]
    payload, line = sent(lambda: log_model({"weights": [1, 2]}, "mine"))
    path = Path(str(payload["models"][0]["path"]))
    assert path.name == "mine.joblib"
    assert path.stat().st_size > 0
    assert line == "model mine"


def test_a_model_is_pickled_where_joblib_is_missing(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(sys.modules, "joblib", None)
    payload, _ = sent(lambda: log_model({"weights": [1, 2]}))
    path = Path(str(payload["models"][0]["path"]))
    assert pickle.loads(path.read_bytes()) == {"weights": [1, 2]}
    assert payload["models"][0]["name"] == "dict"


def test_an_early_exit_says_its_reason_in_one_line(shell: InteractiveShell) -> None:
    with capture_output() as captured, pytest.raises(EarlyExit, match="no data today") as caught:
        exit_early("no data today")
    assert captured.outputs[0].data[MIME_TYPE] == {"exit_early": "no data today"}
    assert caught.value._render_traceback_() == ["Ended early: no data today"]


def test_ipython_shows_an_early_exit_without_a_traceback(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        result = shell.run_cell("from nightbook.notebooks.inside import exit_early\nexit_early('no data today')")  # type: ignore[no-untyped-call]  # IPython has types only in part
    assert isinstance(result.error_in_exec, EarlyExit)
    assert "Ended early: no data today" in captured.stdout
    assert "Traceback" not in captured.stdout


def test_a_long_line_is_shortened(shell: InteractiveShell) -> None:
    _, line = sent(lambda: log_param("x", "a" * 1000))
    assert len(line) == 200


def test_a_plain_script_prints_the_line_and_loads_no_ipython() -> None:
    program = (
        "import sys\nfrom nightbook.notebooks.inside import log_metric\nlog_metric('rmse', 1.5)\n"
        "print([name for name in ('IPython', 'numpy', 'pandas', 'joblib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "rmse = 1.5\n[]\n"


@pytest.mark.parametrize("name", ["", "plots/loss.txt", "../../loss.txt"])
def test_what_is_logged_in_a_run_is_kept_at_once_and_within_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NIGHTBOOK_RUN_FOLDER", str(tmp_path / "runs" / "1"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "loss.txt")
        file.write_text("0.5")
        log_artifact(file, name)
        log_artifact(folder, "whole")
        log_model({"weights": [1]}, "linear")
    kept = tmp_path / "runs" / "1" / "artifacts"
    assert (kept / (name.removeprefix("../../") or "loss.txt")).read_text() == "0.5"
    assert (kept / "whole" / "loss.txt").read_text() == "0.5"
    assert (kept / "linear.joblib").exists()
    assert not (tmp_path / "loss.txt").exists()


def test_a_model_that_is_saved_outside_of_a_run_is_gone_with_its_program(tmp_path: Path) -> None:
    program = "from nightbook.notebooks.inside import log_model\nlog_model({'weights': [1]}, 'linear')"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
