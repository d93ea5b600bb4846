from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.cli.project import current_settings, echo_json

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_are_those_of_the_project_around_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nightbook.toml").write_text('name = "flights"\njobs = 3\n')
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert current_settings().name == "flights"
    assert current_settings({"jobs": 5}).jobs == 5
    assert current_settings({"jobs": None}).jobs == 3


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"word": "Zürich"})
    assert json.loads(capsys.readouterr().out) == {"word": "Zürich"}
    with pytest.raises(ValueError, match="JSON"):
        echo_json({"value": float("nan")})
