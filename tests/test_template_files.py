from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook import template_files
from nightbook.template_files import templates_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_checkout_uses_the_templates_beside_its_source() -> None:
    assert (templates_folder("report") / "style.css").is_file()


def test_a_wheel_uses_the_templates_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, beside = tmp_path / "package" / "templates", tmp_path / "templates"
    monkeypatch.setattr(template_files, "_CANDIDATES", (inside, beside))
    (beside / "report").mkdir(parents=True)
    assert templates_folder("report") == beside / "report"
    (inside / "report").mkdir(parents=True)
    assert templates_folder("report") == inside / "report"


def test_a_broken_installation_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="templates/nonsense is missing"):
        templates_folder("nonsense")
