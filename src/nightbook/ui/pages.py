"""How pages are made: templates, and what they are called with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from nightbook.notebooks.inside import MIME_TYPE
from nightbook.numbers import (
    exact,
    format_bytes,
    format_column,
    format_count,
    format_delta,
    format_duration,
    format_number,
    format_time,
)
from nightbook.runs.report.wording import STATUS_WORDS, StatusWord, full_value, short_digest, value_in_words
from nightbook.runs.review_log import ReviewState
from nightbook.template_files import templates_folder
from nightbook.ui.access import Role

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from nightbook.settings import Settings
    from nightbook.ui.access import Session

REVIEW_WORDS = {
    ReviewState.WAITING: StatusWord(word="Waiting for review", icon="diamond", tone="waiting"),
    ReviewState.APPROVED: StatusWord(word="Approved", icon="check", tone="good"),
    ReviewState.REJECTED: StatusWord(word="Rejected", icon="cross", tone="bad"),
}
ASSETS = {"style.css": "text/css", "app.js": "text/javascript", "htmx.min.js": "text/javascript"}


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Renders templates.

    Attributes:
        settings: The project that is shown.
        report_origin: Where reports are served, apart from the app.
    """

    settings: Settings
    report_origin: str

    @cached_property
    def folder(self) -> Path:
        """Where the templates and assets lie."""
        return templates_folder("ui")

    @cached_property
    def assets(self) -> dict[str, bytes]:
        """The files that pages load, by name; the style of reports is the beginning of the app's."""
        files = {name: (self.folder / name).read_bytes() for name in ASSETS}
        return files | {"style.css": (templates_folder("report") / "style.css").read_bytes() + files["style.css"]}

    @cached_property
    def version(self) -> str:
        """Changes with the assets: browsers keep them for as long as it is the same."""
        return hashlib.sha256(b"".join(self.assets.values())).hexdigest()[:12]

    @cached_property
    def environment(self) -> Environment:
        """Everything is escaped, and a name that nobody gave is an error."""
        environment = Environment(
            loader=FileSystemLoader([self.folder, templates_folder("report")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "digest": short_digest,
            "duration": format_duration,
            "exact": exact,
            "full_value": full_value,
            "number": format_number,
            "size": format_bytes,
            "time": format_time,
            "value": value_in_words,
        }
        environment.globals |= {
            "LOGGED": MIME_TYPE,
            "REVIEW_WORDS": REVIEW_WORDS,
            "STATUS_WORDS": STATUS_WORDS,
            "Role": Role,
            "format_column": format_column,
            "format_count": format_count,
            "format_delta": format_delta,
            "project": self.settings.name,
            "report_origin": self.report_origin,
            "version": self.version,
        }
        return environment

    def show(self, request: Request, template: str, *, status_code: int = 200, **words: Any) -> HTMLResponse:  # noqa: ANN401 - what a template is called with
        """A page, for whoever is logged in."""
        session: Session | None = request.scope.get("session")
        page = self.environment.get_template(template).render(session=session, path=request.url.path, **words)
        return HTMLResponse(page, status_code=status_code)
