from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_a_healthy_project_ends_with_0(
    nightbook: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = nightbook("doctor")
    assert said.code == 0
    assert any(line.startswith("mlflow 3.") for line in said.lines)
    assert any(line.startswith("tracking_uri sqlite:///") and line.endswith("default") for line in said.lines)
    assert any(line.startswith("✓ containment no process outlives its run") for line in said.lines)


def test_a_backend_that_is_away_ends_with_5_and_hides_the_password(
    nightbook: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTBOOK_TRACKING_URI", "http://me:hush-hush@127.0.0.1:1")
    said = nightbook("doctor", "--json")
    assert said.code == 5
    assert "hush-hush" not in said.out
    assert said.document["settings"]["tracking_uri"] == {
        "value": "http://me:***@127.0.0.1:1",
        "source": "environment NIGHTBOOK_TRACKING_URI",
    }
    assert [one["name"] for one in said.document["checks"] if not one["ok"]] == ["tracking"]


def test_the_programs_are_asked_for_their_versions_without_being_imported(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom nightbook.cli.main import root\n"
        "root.main(['doctor', '--json'], standalone_mode=False)\n"
        "print(*[name for name in ('mlflow', 'papermill', 'nbclient', 'nbconvert', 'jupyterlab') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    document, _, imported = done.stdout.rpartition("}")
    assert imported.strip() == ""
    assert json.loads(document + "}")["healthy"] is True
