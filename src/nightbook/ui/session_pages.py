"""To log in and out, and what every page loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from nightbook.ui.access import SESSION_SECONDS
from nightbook.ui.guard import COOKIE, NOT_FOUND, SEE_OTHER, UNAUTHORIZED
from nightbook.ui.pages import ASSETS

if TYPE_CHECKING:
    from starlette.requests import Request

    from nightbook.ui.access import Sessions
    from nightbook.ui.pages import Pages

_A_YEAR = "private, max-age=31536000, immutable"


class SessionPages:
    """Answers to whoever is not logged in yet."""

    def __init__(self, pages: Pages, sessions: Sessions) -> None:
        self._pages = pages
        self._sessions = sessions

    def login(self, request: Request) -> Response:
        """Let in whoever brings a link that is still good; say to others where one is to be had."""
        token = request.query_params.get("token", "")
        key = self._sessions.admit(token) if token else None
        target = own_path(request.query_params.get("next", "/"))
        if key is not None:
            answer = RedirectResponse(target, status_code=SEE_OTHER)
            answer.set_cookie(COOKIE, key, max_age=SESSION_SECONDS, httponly=True, samesite="strict")
            return answer
        if request.scope.get("session") is not None:
            return RedirectResponse(target, status_code=SEE_OTHER)
        return self._pages.show(request, "login.html.j2", status_code=UNAUTHORIZED, is_used=bool(token))

    def logout(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", status_code=SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    def asset(self, request: Request) -> Response:
        """A file that pages load; its address changes with it, so that browsers may keep it."""
        name = request.path_params["name"]
        if name not in ASSETS:
            return PlainTextResponse("There is no such file", status_code=NOT_FOUND)
        return Response(
            self._pages.assets[name], media_type=ASSETS[name], headers={"Cache-Control": _A_YEAR, "Vary": "Cookie"}
        )


def own_path(wanted: str) -> str:
    r"""A path of this app; anything that leads elsewhere (`//host`, `/\host`, a URL) becomes the first page."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own else "/"
