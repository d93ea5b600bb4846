from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from nightbook.ui.access import Sessions
from nightbook.ui.guard import Guard, Headers, app_headers


def test_an_answer_keeps_the_headers_that_it_has_itself() -> None:
    route = Route("/", lambda _: PlainTextResponse("here", headers={"Cache-Control": "max-age=60"}))
    app = Headers(Starlette(routes=[route]), {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    with TestClient(app) as client:
        headers = client.get("/").headers
    assert headers.get_list("cache-control") == ["max-age=60"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_host_is_what_browsers_write() -> None:
    assert Guard(origin="http://127.0.0.1:8899", sessions=Sessions()).host == "127.0.0.1:8899"


def test_only_reports_may_be_framed() -> None:
    policy = app_headers("http://localhost:1")["Content-Security-Policy"]
    assert "frame-src http://localhost:1;" in policy
    assert "frame-ancestors 'none'" in policy
