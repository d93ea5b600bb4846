from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.ui.conftest import ORIGINS, desk_in

from nightbook.ui.access import Role
from nightbook.ui.guard import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ui.conftest import Desk


def test_the_first_page_shows_what_failed_and_what_was_asked_for(desk: Desk) -> None:
    desk.login()
    page = desk.client.get("/").text
    assert "Failed, and not succeeded since" in page
    assert 'href="/runs/4"' in page
    assert "Nothing runs." in page


def test_runs_are_found_by_stage_status_kind_and_text(desk: Desk) -> None:
    desk.login()

    def found(**asked: str) -> set[str]:
        return set(re.findall(r'href="/runs/(\d+)"', desk.client.get("/runs", params=asked).text))

    assert found(stage="fit") < found()
    assert found(kind="pipeline") & {"1"}
    assert "4" in found(status="failed")
    assert "3" not in found(status="failed")
    assert found(q="no such thing") == set()
    assert found(q="%") == set()
    assert found(before="3") == {"1", "2"}
    assert found(status="nonsense", before="x", kind="") == found()


def test_the_list_is_also_json_and_csv_with_the_same_questions(desk: Desk) -> None:
    desk.login()
    listed = desk.client.get("/runs.json", params={"stage": "fit"}).json()["runs"]
    assert {run["stage"] for run in listed} == {"fit"}
    rows = list(csv.DictReader(io.StringIO(desk.client.get("/runs.csv", params={"stage": "fit"}).text)))
    assert [row["run_id"] for row in rows] == [run["run_id"] for run in listed]
    assert {"parameter.alpha", "status"} <= set(rows[0])
    assert desk.client.get("/runs/3.json").json()["number"] == 3


def test_a_run_shows_its_report_in_a_frame_without_an_origin(desk: Desk) -> None:
    desk.login()
    answer = desk.client.get("/runs/3")
    (frame,) = re.findall(r"<iframe[^>]+>", answer.text)
    assert 'sandbox="allow-scripts"' in frame
    assert f"frame-src {ORIGINS.reports};" in answer.headers["content-security-policy"]
    (place,) = re.findall(rf'src="{ORIGINS.reports}([^"]+)"', frame)
    report = desk.reports.get(place)
    assert report.status_code == 200
    assert "<h1>fit #3" in report.text
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert "set-cookie" not in report.headers


def test_runs_are_compared(desk: Desk) -> None:
    desk.login()
    assert "Choose two runs or more" in desk.client.get("/compare").text
    page = desk.client.get("/compare", params={"runs": ["3", "3"]})
    assert page.status_code == 200
    assert "All parameters are the same." in page.text


def test_an_author_puts_a_run_before_the_reviewers(tmp_path: Path, new_notebook: Callable[..., Path]) -> None:
    notebook = new_notebook(tmp_path / "shop" / "one.ipynb", "n: int = 1", "print(n)")
    command = [sys.executable, "-m", "nightbook", "run", notebook.name]
    subprocess.run(command, cwd=notebook.parent, check=True, capture_output=True)
    with desk_in(notebook.parent) as desk:
        token = desk.login(Role.AUTHOR)
        assert "Request review" in desk.client.get("/runs/1").text
        asked = desk.client.post("/runs/1/request-review", data={TOKEN: token}, headers={"origin": ORIGINS.app})
        assert (asked.status_code, asked.headers["location"]) == (303, "/runs/1")
        page = desk.client.get("/runs/1").text
        assert "Waiting for review" in page
        assert "Request review" not in page
        assert "Waiting for review" in desk.client.get("/").text
        desk.login(Role.VIEWER)
        assert desk.client.get("/").text.count("one #1") == 2
