"""Who is let through to an answer, and what each answer tells the browser to keep to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import PlainTextResponse, RedirectResponse

from nightbook.ui.access import Role

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from nightbook.ui.access import Session, Sessions

COOKIE = "nightbook-session"
TOKEN = "csrf_token"  # noqa: S105 - a field's name
SEE_OTHER, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, GONE, MISDIRECTED = 303, 401, 403, 404, 410, 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a request is checked against.

    Attributes:
        origin: The app's own, such as `http://127.0.0.1:8888`: a name that leads here by somebody else's DNS is none.
        sessions: Who is logged in.
    """

    origin: str
    sessions: Sessions

    @property
    def host(self) -> str:
        """As browsers write it in `Host`."""
        return self.origin.partition("://")[2]


async def checked(request: Request, guard: Guard, role: Role) -> Response | None:
    """The refusal, or None for somebody who may; who it is stands in the request's scope from then on."""
    if request.headers.get("host") != guard.host:
        return PlainTextResponse(f"This is {guard.origin}", status_code=MISDIRECTED)
    session = guard.sessions.find(request.cookies.get(COOKIE, ""))
    request.scope["session"] = session
    if role is Role.ANYBODY:
        return None
    if session is None:
        return _login_first(request)
    if session.role < role:
        return PlainTextResponse(f"This takes the role {role.name.lower()}", status_code=FORBIDDEN)
    return None if request.method == "GET" else await _checked_form(request, guard, session)


def _login_first(request: Request) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=SEE_OTHER)
    return PlainTextResponse("Log in first: `nightbook ui` prints a link", status_code=UNAUTHORIZED)


async def _checked_form(request: Request, guard: Guard, session: Session) -> Response | None:
    if request.headers.get("origin") != guard.origin:
        return PlainTextResponse("This comes from another site's page", status_code=FORBIDDEN)
    form = request.scope["form"] = await request.form()
    if not session.is_own(str(form.get(TOKEN, ""))):
        return PlainTextResponse("The form is of another session: reload the page", status_code=FORBIDDEN)
    return None


class Headers:
    """Adds to every answer what the browser is to keep to.

    Args:
        app: What answers.
        headers: Name and value; one that an answer has itself stays.
    """

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in self._headers if name not in own),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def app_headers(report_origin: str) -> dict[str, str]:
    """Of the app's pages: nothing is loaded from elsewhere, nobody frames them, no address of ours is told."""
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"frame-src {report_origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
