"""Markdown cells: prose, formulas, images of the project, and the headings of the table of contents."""

from __future__ import annotations

import base64
import mimetypes
import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from nightbook.runs.report.code import highlight_code
from nightbook.runs.report.markup import clean_html, removal_notice
from nightbook.runs.report.mathematics import math_to_html
from nightbook.runs.report.tables import TableRules, cut_tables, dress_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TAGS = re.compile(r"<[^>]*>")
_MATH = re.compile(r"<(math|annotation)\b.*?</\1>", re.DOTALL)
_NOT_WORD = re.compile(r"[^\w]+")
_MOST_IMAGE_BYTES = 10_000_000
_DEEPEST_LISTED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """One line of the table of contents."""

    level: int
    text: str
    anchor: str


@dataclass(slots=True, kw_only=True)
class Prose:
    """Renders the Markdown cells of one page in order, and collects their headings.

    Attributes:
        folder: The notebook's folder, from which local images are embedded; None embeds none.
        root: Nothing outside this folder is embedded.
        rules: How tables end.
    """

    folder: Path | None
    root: Path | None
    rules: TableRules = field(default_factory=TableRules)
    headings: list[Heading] = field(default_factory=list)
    _anchors: set[str] = field(default_factory=set)

    def render(self, source: str, scope: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> Markup:
        """One cell as clean HTML; `scope` is the class of the element that will hold it."""
        renderer = _Renderer(self, attachments or {})
        shorter, cut = cut_tables(MarkdownWithMath(renderer=renderer).render(source), self.rules)
        cleaned = clean_html(shorter, scope)
        # ids of our own are only known to be ours after foreign ones have been cleaned away
        html = str(cleaned.html)
        for heading in renderer.found:
            html = html.replace(f'title="{heading.anchor}"', f'id="{heading.anchor}"', 1)
        dressed = dress_tables(Markup(html))  # noqa: S704 - clean, and the anchors are our own
        return dressed + cut + removal_notice(cleaned.removed)

    def anchor(self, text: str) -> str:
        """A readable anchor that no other heading of the page has."""
        base = "nb-" + (_NOT_WORD.sub("-", text.lower()).strip("-") or "section")
        number = 2
        name = base
        while name in self._anchors:
            name, number = f"{base}-{number}", number + 1
        self._anchors.add(name)
        return name

    def embedded(self, address: str) -> str:
        """A project's image file as a data URL; the address itself when it is none."""
        if self.folder is None or self.root is None or ":" in address or address.startswith("/"):
            return address
        path = (self.folder / address).resolve()
        kind = mimetypes.guess_type(path.name)[0] or ""
        if not (kind.startswith("image/") and path.is_relative_to(self.root.resolve()) and path.is_file()):
            return address
        if path.stat().st_size > _MOST_IMAGE_BYTES:
            return address
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown with MathML, our highlighting and shifted headings."""

    def __init__(self, prose: Prose, attachments: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.prose = prose
        self.given = attachments
        self.found: list[Heading] = []

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """One level down, since the page has its own h1; the anchor travels in `title` through the sanitiser."""
        del attrs
        plain = " ".join(unescape(_TAGS.sub("", _MATH.sub("…", text))).split())
        heading = Heading(level=level, text=plain, anchor=self.prose.anchor(plain))
        self.found.append(heading)
        if level <= _DEEPEST_LISTED:
            self.prose.headings.append(heading)
        shown = min(level + 1, 6)
        return f'<h{shown} title="{escape(heading.anchor)}">{text}</h{shown}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        """A fenced block; a mermaid diagram keeps its source, since nothing here can draw it."""
        words = (info or "").split()
        language = words[0] if words else ""
        if language == "mermaid":
            return f"<details open><summary>Diagram source (mermaid)</summary><pre>{escape(code)}</pre></details>"
        return f'<pre class="code"><code>{highlight_code(code, language)}</code></pre>'

    def block_math(self, body: str) -> str:
        """`$$…$$` on its own."""
        return str(math_to_html(body, is_block=True))

    def inline_math(self, body: str) -> str:
        """`$…$` in a line."""
        return str(math_to_html(body, is_block=False))

    def latex_environment(self, name: str, body: str) -> str:
        r"""`\begin{align}…\end{align}` without dollars."""
        return str(math_to_html(rf"\begin{{{name}}}{body}\end{{{name}}}", is_block=True))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """An attachment or a file of the project becomes part of the page."""
        shown = f' title="{escape(unescape(title))}"' if title else ""
        return f'<img src="{escape(self._source_of(url))}" alt="{escape(unescape(_TAGS.sub("", text)))}"{shown}>'

    def _source_of(self, url: str) -> str:
        if not url.startswith("attachment:"):
            return self.prose.embedded(url)
        bundle = self.given.get(url.removeprefix("attachment:"), {})
        for kind, content in bundle.items():
            if kind.startswith("image/"):
                joined = "".join(content)
                encoded = base64.b64encode(joined.encode()).decode("ascii") if kind == "image/svg+xml" else joined
                return f"data:{kind};base64,{''.join(encoded.split())}"
        return url
