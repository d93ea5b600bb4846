"""What a notebook calls while it runs: metrics, values, files and an early end, shown in JupyterLab and kept in batch.

Each call sends display data of type `application/vnd.nightbook.v1+json`. It therefore stays in the executed
notebook, needs no tracking server, and leaves the kernel in the same way from any language.
"""

from __future__ import annotations

import math
import os
import sys
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, SupportsFloat

from nightbook.notebooks.references import reveal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "MIME_TYPE",
    "EarlyExit",
    "exit_early",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_table",
    "reveal",
]

MIME_TYPE = "application/vnd.nightbook.v1+json"
_MOST_ROWS = 10_000
_LONGEST_LINE = 200
_NAMED_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class EarlyExit(Exception):  # noqa: N818 - an end that was wanted, not an error
    """Ends the run as succeeded; cells after it do not run."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        return [f"Ended early: {self}"]


def log_metric(
    name: str,
    value: SupportsFloat,
    step: int | None = None,
    *,
    better: Literal["", "higher", "lower"] = "",
    tolerance: float | None = None,
    unit: str = "",
) -> None:
    """Record a number that runs are compared by.

    Args:
        name: What it measures, such as `rmse`.
        value: A number; NaN and infinities are kept as such.
        step: Its place in a series, such as the epoch; calls without it are at step 0.
        better: "higher" or "lower" when a change has a good direction.
        tolerance: Differences up to this much are noise when runs are compared.
        unit: Shown behind the value, such as `min`.

    Raises:
        TypeError: The value is no number, or the step no integer.
        ValueError: The name is empty, `better` is another word, or the tolerance is negative.
    """
    number = _number(name, value)
    if better not in {"", "higher", "lower"}:
        message = f"better={better!r}: write 'higher' or 'lower'"
        raise ValueError(message)
    if tolerance is not None and not float(tolerance) >= 0:
        message = f"tolerance={tolerance!r}: write a number of at least 0"
        raise ValueError(message)
    metric = {
        "name": _name(name),
        "value": _strict(number),
        "step": _step(step),
        "at": datetime.now(UTC).isoformat(),
        "better": better,
        "tolerance": None if tolerance is None else float(tolerance),
        "unit": unit,
    }
    behind = f" {unit}" if unit else ""
    at = f" (step {step})" if step is not None else ""
    _send({"metrics": [metric]}, f"{name} = {number:.6g}{behind}{at}")


def log_metrics(metrics: Mapping[str, SupportsFloat], step: int | None = None) -> None:
    """Record several numbers at once; for direction, tolerance and unit call `log_metric`.

    Raises:
        TypeError: A value is no number, or the step no integer.
        ValueError: A name is empty.
    """
    at = datetime.now(UTC).isoformat()
    numbers = {_name(name): _number(name, value) for name, value in metrics.items()}
    points = [
        {
            "name": name,
            "value": _strict(number),
            "step": _step(step),
            "at": at,
            "better": "",
            "tolerance": None,
            "unit": "",
        }
        for name, number in numbers.items()
    ]
    _send({"metrics": points}, ", ".join(f"{name} = {number:.6g}" for name, number in numbers.items()))


def log_param(name: str, value: object) -> None:
    """Record a value that was chosen while the notebook ran, such as the best depth of a search.

    Raises:
        ValueError: The name is empty.
    """
    _send({"parameters": {_name(name): _json(value)}}, f"{name} = {value}")


def log_artifact(path: str | os.PathLike[str], name: str = "") -> None:
    """Keep a file or folder with the run, as it is now.

    Args:
        path: The file or folder, which must exist.
        name: Its name among the run's files; the path's last part when empty.

    Raises:
        FileNotFoundError: There is nothing at the path.
    """
    place = _existing(path)
    entry = {"path": str(place), "name": name or place.name}
    _keep(place, entry["name"])
    _send({"artifacts": [entry]}, f"artifact {entry['name']}")


def log_table(name: str, frame: object) -> None:
    """Keep a small table with the run.

    Args:
        name: Its name.
        frame: A pandas or polars DataFrame, a dict of columns, or a list of dicts with equal keys; 10,000 rows at most.

    Raises:
        TypeError: It is none of these.
        ValueError: It has more rows, or columns of unequal length.
    """
    columns, rows = _table(frame)
    if len(rows) > _MOST_ROWS:
        message = f"table '{name}' has {len(rows):,} rows, more than {_MOST_ROWS:,}: write a file and use log_artifact"
        raise ValueError(message)
    table = {"name": _name(name), "columns": columns, "rows": [[_json(item) for item in row] for row in rows]}
    _send({"tables": [table]}, f"table {name}: {len(rows)} rows, {len(columns)} columns")


def log_model(model: object, name: str = "") -> None:
    """Keep a model with the run.

    Args:
        model: A path to its file or folder, or the model itself, which is saved with joblib (else pickle).
        name: Its name; the path's last part, or the model's class, when empty.

    Raises:
        FileNotFoundError: There is nothing at the path.
    """
    if isinstance(model, str | os.PathLike):
        place = _existing(model)
        word = name or place.name
    else:
        word = name or type(model).__name__
        place = _saved(model, Path(word).name)
    _keep(place, place.name)
    _send({"models": [{"path": str(place), "name": word}]}, f"model {word}")


def exit_early(reason: str) -> None:
    """End the run here as succeeded, with the reason shown: no data today, nothing changed.

    Raises:
        EarlyExit: Always; do not catch it.
    """
    _send({"exit_early": str(reason)}, f"ended early: {reason}")
    raise EarlyExit(reason)


def _send(payload: Mapping[str, object], line: str) -> None:
    text = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
    # Only a running IPython is asked: a plain script must not pay for importing it.
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        sys.stdout.write(f"{text}\n")
        return
    import_module("IPython.display").display({MIME_TYPE: payload, "text/plain": text}, raw=True)


def _name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        message = f"{name!r} is no name: write a text"
        raise ValueError(message)
    return name


def _number(name: str, value: SupportsFloat) -> float:
    if isinstance(value, str | bytes):  # float("1") would be a guess
        message = f"metric '{name}': {value!r} is no number"
        raise TypeError(message)
    try:
        return float(value)
    except (TypeError, ValueError):
        message = f"metric '{name}': a {type(value).__name__} is no number"
        raise TypeError(message) from None


def _step(step: int | None) -> int:
    try:
        return 0 if step is None else step.__index__()
    except AttributeError:
        message = f"step={step!r} is no integer"
        raise TypeError(message) from None


def _strict(number: float) -> float | str:
    return number if math.isfinite(number) else _NAMED_FLOATS[repr(number)]


def _json(value: object) -> object:
    """What strict JSON can say of any value; what it cannot say becomes its text."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a NumPy scalar
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _strict(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return str(value)


def _table(frame: object) -> tuple[list[str], list[list[object]]]:
    if hasattr(frame, "columns") and hasattr(frame, "to_dict"):
        names = [str(column) for column in frame.columns]
        series = [frame[column] for column in frame.columns]  # type: ignore[index]  # a DataFrame has columns by name
        return names, _rows([column.to_list() for column in series])
    if isinstance(frame, dict):
        return [str(name) for name in frame], _rows([list(column) for column in frame.values()])
    if isinstance(frame, list) and all(isinstance(row, dict) for row in frame):
        names = list(dict.fromkeys(name for row in frame for name in row))
        return [str(name) for name in names], [[row.get(name) for name in names] for row in frame]
    message = f"a {type(frame).__name__} is no table: pass a DataFrame, a dict of columns or a list of dicts"
    raise TypeError(message)


def _rows(columns: Iterable[list[object]]) -> list[list[object]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _existing(path: str | os.PathLike[str]) -> Path:
    place = Path(path).expanduser().absolute()
    if not place.exists():
        message = f"there is nothing at {place}"
        raise FileNotFoundError(message)
    return place


def _keep(place: Path, name: str) -> None:
    """Copy into the run's folder at once: what lies in a temporary folder may be gone when the run ends."""
    parts = [part for part in name.split("/") if part not in {"", ".", ".."}]
    if folder := os.environ.get("NIGHTBOOK_RUN_FOLDER"):
        target = Path(folder, "artifacts", *(parts or [place.name]))
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = import_module("shutil")
        copy.copytree(place, target, dirs_exist_ok=True) if place.is_dir() else copy.copy2(place, target)


def _saved(model: object, name: str) -> Path:
    """The model in a file of its own, which is there until the program ends."""
    # Loaded here, as few notebooks save a model this way and every one waits for its imports.
    folder = Path(import_module("tempfile").mkdtemp(prefix="nightbook-model-"))
    import_module("atexit").register(import_module("shutil").rmtree, folder, ignore_errors=True)
    try:
        joblib = import_module("joblib")
    except ImportError:
        place = folder / f"{name}.pickle"
        place.write_bytes(import_module("pickle").dumps(model))
    else:
        place = folder / f"{name}.joblib"
        joblib.dump(model, place)
    return place
