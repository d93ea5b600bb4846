from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError
from starlette.requests import Request

from nightbook.settings import load_settings
from nightbook.ui.pages import ASSETS, Pages

LIMIT_BYTES = 150_000


@pytest.fixture
def pages() -> Pages:
    return Pages(settings=load_settings(Path(), environment={}), report_origin="http://localhost:1")


def request(path: str = "/") -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""})


def test_all_that_a_page_loads_is_small(pages: Pages) -> None:
    assert set(pages.assets) == set(ASSETS)
    assert sum(map(len, pages.assets.values())) < LIMIT_BYTES


def test_what_is_shown_is_escaped(pages: Pages) -> None:
    shown = pages.show(request(), "error.html.j2", message="<script>alert(1)</script>", remedy="")
    assert b"&lt;script&gt;" in shown.body
    assert b"<script>alert" not in shown.body


def test_a_template_that_is_not_told_something_fails(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        pages.show(request(), "error.html.j2")
