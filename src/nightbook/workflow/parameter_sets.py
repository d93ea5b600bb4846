"""The parameter sets of a sweep: the product of a grid, or the lines of a file."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MOST_SETS = 100_000


def parse_grid(texts: Sequence[str]) -> dict[str, list[object]]:
    """Read `NAME=A,B,C` texts; a value that holds a comma is quoted as in CSV.

    Raises:
        ParameterError: A text is no grid, has no values, or a name comes twice.
    """
    grid: dict[str, list[object]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name.strip() or not values:
            raise ParameterError(f"'{text}' is no NAME=A,B,C", remedy=f"--grid {name.strip() or 'NAME'}=A,B,C")
        if name.strip() in grid:
            raise ParameterError(f"the grid names '{name.strip()}' twice", remedy="give all its values in one --grid")
        grid[name.strip()] = [Text(value=value.strip()) for value in next(csv.reader([values]))]
    return grid


def product_of(grid: Mapping[str, Iterable[object]]) -> list[dict[str, object]]:
    """Every combination, the last name varying fastest.

    Raises:
        ParameterError: There would be more than 100,000.
    """
    values = {name: list(one) for name, one in grid.items()}
    count = 1
    for one in values.values():
        count *= len(one)
    if count > MOST_SETS:
        raise ParameterError(
            f"the grid has {count:,} sets, more than {MOST_SETS:,}", remedy="make it coarser, or use --list"
        )
    return [dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())]


def read_list(path: Path) -> list[dict[str, object]]:
    """Read parameter sets from CSV (names in its first line, an empty field takes the default), YAML or JSON lines.

    Raises:
        ParameterError: The file cannot be read as sets; the line is named where there is one.
    """
    try:
        # As it stands: a value of CSV may hold any line break.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the parameter sets in {path} are no UTF-8 text (byte {error.start})"
        raise ParameterError(message, remedy="save the file as UTF-8") from None
    except OSError as error:
        message = f"cannot read the parameter sets in {path}: {error.strerror}"
        raise ParameterError(message, remedy="name a .csv, .yaml or .jsonl file") from None
    if path.suffix == ".csv":
        return _from_csv(path, text)
    if path.suffix in {".yaml", ".yml"}:
        return _from_yaml(path, text)
    if path.suffix in {".jsonl", ".ndjson", ".json"}:
        return _from_json_lines(path, text)
    raise ParameterError(f"{path} is no list of parameter sets", remedy="a .csv, .yaml or .jsonl file")


def _from_csv(path: Path, text: str) -> list[dict[str, object]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    sets: list[dict[str, object]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if len(set(names)) < len(names):
            raise ParameterError(f"the first line of {path} gives a name twice", remedy="leave one of the columns out")
        for row in filter(None, reader):
            if len(row) != len(names):
                message = f"line {reader.line_num} of {path} has {len(row)} fields, not {len(names)}"
                raise ParameterError(message, remedy="mend that line")
            sets.append({name: Text(value=value) for name, value in zip(names, row, strict=True) if value})
    except csv.Error as error:
        raise ParameterError(f"line {reader.line_num} of {path} is no CSV: {error}", remedy="mend that line") from None
    return _not_empty(path, sets)


def _from_yaml(path: Path, text: str) -> list[dict[str, object]]:
    import yaml  # noqa: PLC0415 - only such a file needs it

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ParameterError(f"{path} is no YAML: {error}", remedy="- learning_rate: 0.1") from None
    return _checked(path, content)


def _from_json_lines(path: Path, text: str) -> list[dict[str, object]]:
    if text.lstrip().startswith("["):
        try:
            return _checked(path, json.loads(text))
        except json.JSONDecodeError as error:
            raise ParameterError(f"{path} is no JSON: {error}", remedy='[{"learning_rate": 0.1}]') from None
    sets = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                sets.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ParameterError(
                    f"line {number} of {path} is no JSON: {error.msg}", remedy="one object a line"
                ) from None
    return _checked(path, sets)


def _checked(path: Path, content: object) -> list[dict[str, object]]:
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise ParameterError(f"{path} holds no list of parameter sets", remedy="- learning_rate: 0.1")
    return _not_empty(path, [{str(name): value for name, value in one.items()} for one in content])


def _not_empty(path: Path, sets: list[dict[str, object]]) -> list[dict[str, object]]:
    if not sets:
        raise ParameterError(f"{path} holds no parameter set", remedy="give at least one, or use --grid")
    return sets


def shown_value(value: object) -> str:
    """A value as it was typed, for the name of a run."""
    return value.value if isinstance(value, Text) else json.dumps(value) if not isinstance(value, str) else value


def set_name(parameters: Mapping[str, object]) -> str:
    """What a run of a sweep is called: `learning_rate=0.1 max_depth=4`."""
    return " ".join(f"{name}={shown_value(value)}" for name, value in parameters.items()) or "defaults"


def set_digest(values: Mapping[str, object]) -> str:
    """A short name for checked values that stays the same whenever they are: it names the folder of a set's outputs."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]
