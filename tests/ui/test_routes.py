"""Every address, from the table itself, to those who may not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.ui.conftest import ORIGINS

from nightbook.settings import load_settings
from nightbook.ui.access import Role, Sessions
from nightbook.ui.app import table
from nightbook.ui.guard import TOKEN
from nightbook.ui.pages import Pages
from nightbook.ui.shelf import Shelf

if TYPE_CHECKING:
    from tests.ui.conftest import Desk

    from nightbook.ui.routes import Route

_PAGES = Pages(settings=load_settings(Path(), environment={}), report_origin=ORIGINS.reports)
TABLE = table(_PAGES, Sessions(), Shelf())
GUARDED = [route for route in TABLE if route.role > Role.ANYBODY]
POSTS = [route for route in TABLE if route.method == "POST"]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def ask(desk: Desk, route: Route, data: dict[str, str] | None = None, **headers: str) -> int:
    path = (
        route.path.replace("{run}", "1")
        .replace("{pair}", "3...6")
        .replace("{version}", "0")
        .replace("{name}", "style.css")
    )
    code: int = desk.client.request(route.method, path, headers=headers, data=data).status_code
    return code


def test_whoever_may_do_without_a_session_can_only_log_in() -> None:
    assert [route.path for route in TABLE if route.role is Role.ANYBODY] == ["/login", "/assets/{version}/{name}"]


def test_what_changes_something_is_asked_for_by_post() -> None:
    assert {route.method for route in TABLE} == {"GET", "POST"}
    assert [route.path for route in POSTS] == ["/logout", "/runs/{run}/cancel", "/runs/{run}/request-review"]


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_without_credentials_nothing_is_answered(desk: Desk, route: Route) -> None:
    assert ask(desk, route, origin=ORIGINS.app) == 401


@pytest.mark.parametrize("route", [route for route in GUARDED if route.role > Role.VIEWER], ids=name)
def test_with_a_lower_role_nothing_is_done(desk: Desk, route: Route) -> None:
    token = desk.login(Role(route.role - 1))
    assert ask(desk, route, {TOKEN: token}, origin=ORIGINS.app) == 403


@pytest.mark.parametrize("route", TABLE, ids=name)
def test_under_another_name_nothing_is_answered(desk: Desk, route: Route) -> None:
    token = desk.login()
    assert ask(desk, route, {TOKEN: token}, host="evil.example:8899", origin=ORIGINS.app) == 421


@pytest.mark.parametrize("route", POSTS, ids=name)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", ORIGINS.reports])
def test_from_another_sites_page_nothing_is_done(desk: Desk, route: Route, origin: str) -> None:
    token = desk.login()
    assert ask(desk, route, {TOKEN: token}, origin=origin) == 403


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_without_an_origin_nothing_is_done(desk: Desk, route: Route) -> None:
    assert ask(desk, route, {TOKEN: desk.login()}) == 403


@pytest.mark.parametrize("route", POSTS, ids=name)
@pytest.mark.parametrize("token", [None, "", "somebody else's"])
def test_without_the_sessions_token_nothing_is_done(desk: Desk, route: Route, token: str | None) -> None:
    desk.login()
    assert ask(desk, route, {} if token is None else {TOKEN: token}, origin=ORIGINS.app) == 403


@pytest.mark.parametrize("route", POSTS, ids=name)
def test_a_link_changes_nothing(desk: Desk, route: Route) -> None:
    desk.login()
    assert desk.client.get(route.path.replace("{run}", "1")).status_code == 405


@pytest.mark.parametrize(
    "path", ["/assets/0/../page.html.j2", "/assets/0/page.html.j2", "/assets/0/%2e%2e/x", "/runs/../etc"]
)
def test_no_file_is_served_by_its_path(desk: Desk, path: str) -> None:
    desk.login()
    assert desk.client.get(path).status_code == 404
