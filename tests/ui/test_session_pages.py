from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.ui.conftest import ORIGINS

from nightbook.ui.access import Role
from nightbook.ui.guard import COOKIE, TOKEN
from nightbook.ui.session_pages import own_path

if TYPE_CHECKING:
    from tests.ui.conftest import Desk


def test_the_link_logs_in_once_and_leads_to_where_one_was_going(desk: Desk) -> None:
    asked = {"token": desk.review.sessions.invite("Mara", Role.VIEWER), "next": "/runs"}
    answer = desk.client.get("/login", params=asked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
    assert desk.client.get("/runs").status_code == 200
    desk.client.cookies.clear()
    assert desk.client.get("/login", params=asked).status_code == 401


def test_a_browser_without_a_session_is_told_how_to_log_in(desk: Desk) -> None:
    answer = desk.client.get("/runs/3", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/runs/3")
    assert "<code>nightbook ui</code> prints a link" in desk.client.get("/login").text


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "/\n/evil"])
def test_logging_in_never_leads_to_another_site(elsewhere: str) -> None:
    assert own_path(elsewhere) == "/"


def test_who_has_logged_out_is_out(desk: Desk) -> None:
    token = desk.login()
    key = desk.client.cookies[COOKIE]
    assert desk.client.post("/logout", data={TOKEN: token}, headers={"origin": ORIGINS.app}).status_code == 303
    assert desk.review.sessions.find(key) is None
