from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.warm.hidden import hidden_modules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("file", "hidden"), [("pytest.py", ("pytest",)), ("own.py", ()), ("pytest.ipynb", ())])
def test_a_module_of_which_another_one_has_been_loaded_is_hidden(
    tmp_path: Path, file: str, hidden: tuple[str, ...]
) -> None:
    (tmp_path / file).touch()
    assert hidden_modules(str(tmp_path), ()) == hidden


def test_what_any_kernel_has_loaded_before_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").touch()
    assert hidden_modules(str(tmp_path), frozenset(sys.modules)) == ()


def test_a_folder_that_is_gone_hides_nothing(tmp_path: Path) -> None:
    assert hidden_modules(str(tmp_path / "gone"), ()) == ()
