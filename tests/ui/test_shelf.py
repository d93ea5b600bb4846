from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from nightbook.ui.shelf import Shelf, reports_app

if TYPE_CHECKING:
    from pathlib import Path

HOST = "localhost:8898"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text("<p>as it was shown")
    return path


def ask(shelf: Shelf, place: str, host: str = HOST) -> tuple[int, str]:
    with TestClient(
        reports_app(shelf, host=HOST, app_origin="http://127.0.0.1:8899"), base_url=f"http://{host}"
    ) as client:
        answer = client.get(place)
    return answer.status_code, answer.text


def test_a_report_is_served_by_the_digest_of_its_bytes(report: Path) -> None:
    shelf = Shelf()
    assert ask(shelf, shelf.put(report)) == (200, "<p>as it was shown")


def test_a_report_that_has_changed_is_not_served_in_its_place(report: Path) -> None:
    shelf = Shelf()
    place = shelf.put(report)
    report.write_text("<p>something else")
    assert ask(shelf, place)[0] == 410
    report.unlink()
    assert ask(shelf, place)[0] == 410


def test_nobody_gets_one_without_a_link_to_it(report: Path) -> None:
    shelf = Shelf()
    _, kind, digest, signature = shelf.put(report).split("/")
    assert ask(shelf, f"/{kind}/{digest}/{'0' * len(signature)}")[0] == 404
    assert ask(shelf, f"/{kind}/{'0' * 64}/{signature}")[0] == 404
    assert ask(shelf, f"/{kind}/../{report.name}/{signature}")[0] == 404
    assert ask(Shelf(), f"/{kind}/{digest}/{signature}")[0] == 404


def test_it_answers_under_one_name(report: Path) -> None:
    shelf = Shelf()
    assert ask(shelf, shelf.put(report), host="evil.example")[0] == 421
