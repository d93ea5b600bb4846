from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.runs.preparations import preparations
from nightbook.runs.request import ExecutionRequest

if TYPE_CHECKING:
    from pathlib import Path


def request(folder: Path, **fields: object) -> ExecutionRequest:
    known: dict[str, object] = dict.fromkeys(("ledger", "root", "state", "store", "notebook", "working_directory"), "")
    known |= {"run_id": "r", "folder": str(folder), "kernel_name": "python3", "language": "python"}
    return ExecutionRequest(**{**known, **fields})  # type: ignore[arg-type]  # of the fields' own types


@pytest.mark.parametrize(
    ("language", "is_zmq", "awaits_tracking", "modules"),
    [
        ("python", True, False, ["lossless"]),
        ("python", True, True, ["lossless", "own_mlflow"]),
        ("python", False, True, ["own_mlflow"]),
        ("python", False, False, []),
        ("bash", True, True, []),
    ],
)
def test_a_kernel_gets_what_it_lacks(
    tmp_path: Path, language: str, is_zmq: bool, awaits_tracking: bool, modules: list[str]
) -> None:
    asked = request(tmp_path, language=language, awaits_tracking=awaits_tracking)
    found = list(preparations(asked, is_zmq=is_zmq))
    assert len(found) == len(modules)
    for source, module in zip(found, modules, strict=True):
        assert f"'nightbook.runs.{module}'" in source
        compile(source, "cell", "exec")
