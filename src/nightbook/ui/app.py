"""The review app: every address with who may ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from nightbook.errors import LedgerError, NightbookError, RunNotFoundError
from nightbook.ui.access import Role, Sessions
from nightbook.ui.diff_pages import DiffPages
from nightbook.ui.guard import NOT_FOUND, Guard, Headers, app_headers
from nightbook.ui.pages import Pages
from nightbook.ui.routes import Route, routes_of
from nightbook.ui.run_pages import RunPages
from nightbook.ui.session_pages import SessionPages
from nightbook.ui.shelf import Shelf, reports_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from nightbook.settings import Settings

    Handler = Callable[[Request, Exception], Response]

UNPROCESSABLE, UNAVAILABLE = 422, 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where browsers find the app and, apart from it, the reports: two hosts, so that no cookie is shared."""

    app: str
    reports: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The app, the reports' own, and who is logged in."""

    app: Headers
    reports: Headers
    sessions: Sessions


def review(settings: Settings, origins: Origins) -> Review:
    """Put the app together."""
    sessions, shelf = Sessions(), Shelf()
    pages = Pages(settings=settings, report_origin=origins.reports)
    guard = Guard(origin=origins.app, sessions=sessions)
    app = Starlette(
        routes=routes_of(table(pages, sessions, shelf), guard),
        exception_handlers={NightbookError: _said(pages), NOT_FOUND: _nothing_there(pages)},
    )
    return Review(
        app=Headers(app, app_headers(origins.reports)),
        reports=reports_app(shelf, host=origins.reports.partition("://")[2], app_origin=origins.app),
        sessions=sessions,
    )


def table(pages: Pages, sessions: Sessions, shelf: Shelf) -> tuple[Route, ...]:
    """Everything that can be asked for."""
    session, runs, differences = SessionPages(pages, sessions), RunPages(pages, shelf), DiffPages(pages)
    return (
        Route(path="/login", answer=session.login, role=Role.ANYBODY),
        Route(path="/assets/{version}/{name}", answer=session.asset, role=Role.ANYBODY),
        Route(path="/logout", answer=session.logout, role=Role.VIEWER, method="POST"),
        Route(path="/", answer=runs.home, role=Role.VIEWER),
        Route(path="/running", answer=runs.running, role=Role.VIEWER),
        Route(path="/runs", answer=runs.runs, role=Role.VIEWER),
        Route(path="/runs.json", answer=runs.runs_json, role=Role.VIEWER),
        Route(path="/runs.csv", answer=runs.runs_csv, role=Role.VIEWER),
        Route(path="/runs/{run}.json", answer=runs.run_json, role=Role.VIEWER),
        Route(path="/runs/{run}", answer=runs.run, role=Role.VIEWER),
        Route(path="/runs/{run}/cancel", answer=runs.cancel, role=Role.AUTHOR, method="POST"),
        Route(path="/runs/{run}/request-review", answer=runs.request_review, role=Role.AUTHOR, method="POST"),
        Route(path="/diff/{pair}.json", answer=differences.diff_json, role=Role.VIEWER),
        Route(path="/diff/{pair}", answer=differences.diff, role=Role.VIEWER),
        Route(path="/compare", answer=runs.compare, role=Role.VIEWER),
    )


def _said(pages: Pages) -> Handler:
    def handle(request: Request, error: Exception) -> Response:
        assert isinstance(error, NightbookError)  # noqa: S101 - that is what it is registered for
        code = UNPROCESSABLE
        if isinstance(error, RunNotFoundError):
            code = NOT_FOUND
        elif isinstance(error, LedgerError):
            code = UNAVAILABLE
        return pages.show(request, "error.html.j2", status_code=code, message=error.message, remedy=error.remedy)

    return handle


def _nothing_there(pages: Pages) -> Handler:
    def handle(request: Request, error: Exception) -> Response:
        del error
        message = "There is no such page"
        return pages.show(request, "error.html.j2", status_code=NOT_FOUND, message=message, remedy="")

    return handle
