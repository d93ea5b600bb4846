"""Reports as the app hands them out: by the digest of their bytes, from an origin of their own.

A report is hostile until proved otherwise. The frame around it lets scripts run but gives them no origin, so that they
reach neither the app nor its cookie, and the policy lets nothing out. Without a link that was signed for these bytes
nobody gets them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from threading import Lock
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from nightbook.ui.guard import GONE, MISDIRECTED, NOT_FOUND, Headers

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request


class Shelf:
    """The reports that somebody who is logged in has been shown, by digest; the files may change or go meanwhile."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._places: dict[str, Path] = {}
        self._change = Lock()

    def put(self, path: Path) -> str:
        """The place of a report, relative to the origin of reports: its digest, and a word that proves who asks.

        Raises:
            OSError: It cannot be read.
        """
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        with self._change:
            self._places[digest] = path
        return f"/reports/{digest}/{self._signature(digest)}"

    def take(self, digest: str, signature: str) -> bytes | None:
        """The bytes of that digest; None where they are no longer those, or are not to be had any more.

        Raises:
            LookupError: Nobody was given that link.
        """
        path = self._places.get(digest)
        if path is None or not hmac.compare_digest(self._signature(digest).encode(), signature.encode()):
            raise LookupError(digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def _signature(self, digest: str) -> str:
        return hmac.new(self._secret, digest.encode(), "sha256").hexdigest()


def reports_app(shelf: Shelf, *, host: str, app_origin: str) -> Headers:
    """Serves the shelf at an origin of its own.

    Args:
        shelf: What there is.
        host: The only name under which it answers.
        app_origin: Who may frame a report.
    """

    def report(request: Request) -> Response:
        if request.headers.get("host") != host:
            return PlainTextResponse("Reports are shown by the app", status_code=MISDIRECTED)
        try:
            content = shelf.take(request.path_params["digest"], request.path_params["signature"])
        except LookupError:
            return PlainTextResponse("There is no such report", status_code=NOT_FOUND)
        if content is None:
            return PlainTextResponse("This report has changed or is gone: reload the run's page", status_code=GONE)
        return Response(content, media_type="text/html")

    app = Starlette(routes=[Route("/reports/{digest}/{signature}", report)])
    return Headers(app, report_headers(app_origin))


def report_headers(app_origin: str) -> dict[str, str]:
    """Scripts run without an origin, nothing is loaded or sent, and nobody but the app frames it."""
    policy = (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; "
        f"frame-ancestors {app_origin}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "no-store",
    }
