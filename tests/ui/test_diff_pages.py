from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from nightbook.reviews.shown import Shown
from nightbook.reviews.texts import Line
from nightbook.ui.diff_pages import marked, picture_of

if TYPE_CHECKING:
    from tests.ui.conftest import Desk

PIXEL = base64.b64encode(b"\x89PNG\r\n").decode()


def test_parameters_metrics_and_cells_that_differ_stand_on_one_page(desk: Desk) -> None:
    desk.login()
    page = desk.client.get("/diff/3...6").text
    assert "What changed:" in page
    assert "within noise" in page or "worse" in page
    assert "fitted with " in page
    assert "Injected parameters" in page


def test_runs_are_named_by_number_in_an_address_that_stays_true(desk: Desk) -> None:
    desk.login()
    answer = desk.client.get("/diff/3...fit@latest")
    assert (answer.status_code, answer.headers["location"]) == (303, "/diff/3...6")


def test_one_sees_only_source_or_only_outputs(desk: Desk) -> None:
    desk.login()
    assert "fitted with" not in desk.client.get("/diff/3...6", params={"view": "source"}).text
    assert "fitted with" in desk.client.get("/diff/3...6", params={"view": "outputs"}).text
    assert desk.client.get("/diff/3...6", params={"view": "nonsense"}).status_code == 200


def test_a_run_leads_to_what_changed_since_the_one_before(desk: Desk) -> None:
    desk.login()
    assert 'href="/diff/3...6"' in desk.client.get("/runs/6").text
    assert "/diff/" not in desk.client.get("/runs/3").text


@pytest.mark.parametrize("pair", ["3", "3...", "...3", "3..6"])
def test_it_takes_two_runs(desk: Desk, pair: str) -> None:
    desk.login()
    assert desk.client.get(f"/diff/{pair}").status_code == 404


def test_the_same_is_to_be_had_as_json(desk: Desk) -> None:
    desk.login()
    found = desk.client.get("/diff/3...6.json").json()
    assert [one["number"] for one in found["runs"]] == [3, 6]
    assert found["outputs"][0]["cells"]


def test_what_a_notebook_printed_is_text() -> None:
    line = Line(number=1, text="<b>&lt;</b><script>", spans=((0, 3), (11, 19)))
    assert marked(line) == "<mark>&lt;b&gt;</mark>&amp;lt;&lt;/b&gt;<mark>&lt;script&gt;</mark>"


@pytest.mark.parametrize(
    ("mime", "content", "is_shown"),
    [
        ("image/png", PIXEL, True),
        ("image/png", f"{PIXEL}\n", True),
        ("image/png", 'x" onerror="alert(1)', False),
        ("image/svg+xml", "<svg onload='alert(1)'/>", False),
        ("text/html", PIXEL, False),
        ("image/png", {"not": "text"}, False),
    ],
)
def test_only_pictures_of_pixels_are_drawn(mime: str, content: object, is_shown: bool) -> None:
    assert bool(picture_of(Shown(kind=mime, formats={mime: content}), mime)) is is_shown
