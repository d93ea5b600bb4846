from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_place_is_printed(nightbook: Callable[..., Any], in_project: Path) -> None:
    said = nightbook("report", "fit@latest")
    assert said.code == 0
    assert Path(said.out.strip()).is_file()
    assert said.out.startswith(".nightbook/runs/")
    assert len(nightbook("report", "1").lines) == 3


def test_a_copy_goes_where_one_says(nightbook: Callable[..., Any], in_project: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    said = nightbook("report", "6", "-o", str(target), "--no-code")
    assert said.out == f"{target}\n"
    text = target.read_text(encoding="utf-8")
    assert "fit #6" in text
    assert "open(model" not in text


def test_the_document_names_the_run_and_its_reports(nightbook: Callable[..., Any], in_project: Path) -> None:
    stage = nightbook("report", "fit@latest", "--json").document
    run_id = nightbook("runs", "show", "fit@latest", "--json").document["run_id"]
    path = str(in_project / ".nightbook" / "runs" / run_id / "report.html")
    assert stage == {"run_id": run_id, "report": path, "reports": [path]}
    pipeline = nightbook("report", "1", "--json").document
    assert pipeline["report"] is None
    assert all(Path(one).is_file() for one in pipeline["reports"])
    assert len(pipeline["reports"]) == 3
