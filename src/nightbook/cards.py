"""A card: how one thing shows itself in a notebook, light or dark, with no script."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TONES: Final = {
    "succeeded": ("✓", "good"),
    "failed": ("✕", "bad"),
    "cancelled": ("✕", "bad"),
    "lost": ("✕", "bad"),
    "running": ("▶", "busy"),
}
_OTHER_TONE: Final = ("–", "none")

_LIGHT = (
    "--nb-text:#1a1f27;--nb-muted:#566070;--nb-line:#d5dae1;--nb-sunken:#eceff3;--nb-link:#0b5cad;"
    "--nb-good:#0f6a3f;--nb-good-bg:#e3f4ea;--nb-bad:#b3261e;--nb-on-bad:#fff;--nb-bad-soft:#fdeceb;"
    "--nb-busy:#0b5cad;--nb-busy-bg:#e6f0fb;--nb-warn:#7a4d00;--nb-warn-bg:#fff3d6"
)
_DARK = (
    "--nb-text:#e6eaf0;--nb-muted:#a3aebd;--nb-line:#2f3843;--nb-sunken:#232a34;--nb-link:#7ab8ff;"
    "--nb-good:#6fd39a;--nb-good-bg:#12301f;--nb-bad:#ff9d94;--nb-on-bad:#12161c;--nb-bad-soft:#3a1816;"
    "--nb-busy:#7ab8ff;--nb-busy-bg:#12294a;--nb-warn:#f2c14e;--nb-warn-bg:#35280a"
)
# JupyterLab says on its body which theme is on; elsewhere the browser does.
_COLOURS: Final = (
    f".nb{{{_LIGHT}}}@media (prefers-color-scheme:dark){{.nb{{{_DARK}}}}}"
    f"[data-jp-theme-light=true] .nb{{{_LIGHT}}}[data-jp-theme-light=false] .nb{{{_DARK}}}"
)
STYLE: Final = (
    _COLOURS
    + """
.nb-card{font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);color:var(--nb-text);max-width:760px;
border:1px solid var(--nb-line);border-radius:6px;padding:12px 16px;overflow-wrap:anywhere}
.nb-card p{margin:4px 0}.nb-card .nb-title{font-size:15px;font-weight:600;margin-right:8px}
.nb-status{display:inline-block;border-radius:4px;padding:0 8px;font-weight:600;white-space:nowrap}
.nb-good{color:var(--nb-good);background:var(--nb-good-bg)}.nb-bad{color:var(--nb-on-bad);background:var(--nb-bad)}
.nb-busy{color:var(--nb-busy);background:var(--nb-busy-bg)}.nb-none{color:var(--nb-muted);background:var(--nb-sunken)}
.nb-muted{color:var(--nb-muted)}
.nb-message{white-space:pre-wrap;background:var(--nb-sunken);border-radius:4px;padding:4px 8px}
.nb-message.nb-is-bad{background:var(--nb-bad-soft);border-left:3px solid var(--nb-bad)}
.nb.nb-card table{border-collapse:collapse;margin:4px 0;font-size:13px;border:0}
.nb.nb-card table tbody tr,.nb.nb-card table thead tr{background:none}
.nb.nb-card td,.nb.nb-card th{text-align:left;padding:2px 16px 2px 0;border:0;background:none;white-space:normal;
max-width:none;font-weight:400;vertical-align:top}
.nb.nb-card td{font-variant-numeric:tabular-nums}.nb.nb-card th{color:var(--nb-muted)}
.nb-card summary{cursor:pointer;min-height:24px}.nb.nb-card code{font-family:var(--jp-code-font-family,monospace);
font-size:12px;background:none;color:inherit;padding:0}
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a card's table: its name, its value as people read it, and the full value for the title."""

    name: str
    text: str
    full: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card says; all of it plain text.

    Attributes:
        title: What it is, as people name it.
        status: A run's status.
        facts: Short remarks on one line.
        message: What went wrong or is worth knowing; line breaks stay.
        table: Shown at once.
        folded: Tables behind a heading that opens them.
        footer: Where to find more, such as a file.
    """

    title: str
    status: str
    facts: tuple[str, ...] = ()
    message: str = ""
    table: tuple[Fact, ...] = ()
    folded: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    footer: str = ""


def render_card(card: Card) -> str:
    """HTML for `_repr_html_`."""
    _, tone = tone_of(card.status)
    failed = " nb-is-bad" if tone == "bad" else ""
    parts = [
        f"<style>{STYLE}</style>",
        '<div class="nb nb-card">',
        f'<p><span class="nb-title">{html.escape(card.title)}</span>{status_badge(card.status)}</p>',
        f'<p class="nb-muted">{" · ".join(map(html.escape, card.facts))}</p>' if card.facts else "",
        f'<p class="nb-message{failed}">{html.escape(card.message)}</p>' if card.message else "",
        _table(card.table),
        *(
            f"<details><summary>{html.escape(title)}</summary>{_table(facts)}</details>"
            for title, facts in card.folded.items()
            if facts
        ),
        f'<p class="nb-muted"><code>{html.escape(card.footer)}</code></p>' if card.footer else "",
        "</div>",
    ]
    return "".join(parts)


def status_badge(status: str) -> str:
    """A status as icon, word and colour."""
    icon, tone = tone_of(status)
    word = html.escape(status.capitalize())
    return f'<span class="nb-status nb-{tone}"><span aria-hidden="true">{icon}</span> {word}</span>'


def tone_of(status: str) -> tuple[str, str]:
    """Icon and colour of a status; only what failed is filled solid."""
    return _TONES.get(status, _OTHER_TONE)


def _table(facts: tuple[Fact, ...]) -> str:
    if not facts:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(one.name)}</th>'
        f'<td title="{html.escape(one.full or one.text)}">{html.escape(one.text)}</td></tr>'
        for one in facts
    )
    return f"<table>{rows}</table>"
