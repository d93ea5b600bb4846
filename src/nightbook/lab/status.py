"""How a run in batch shows itself below the form: what it does, then how it ended, then its report."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from nightbook.cards import status_badge
from nightbook.lab.background import Phase
from nightbook.numbers import format_duration

if TYPE_CHECKING:
    from nightbook.lab.background import Situation, StageProgress
    from nightbook.records import Run

_ICONS = {
    "waiting": "–",
    "running": "▶",
    "succeeded": "✓",
    "up to date": "✓",
    "restored": "↺",
    "failed": "✕",
    "upstream failed": "✕",
    "cancelled": "✕",
}
_LONGEST_LINE = 120


def situation_html(now: Situation, name: str) -> str:
    """Status, progress, last output; the run's card once it has ended."""
    if now.error:
        remedy = f"\ntry: {now.remedy}" if now.remedy else ""
        text = html.escape(f"{now.error}{remedy}")
        return f'<div class="nb nb-card" role="alert"><p class="nb-message nb-is-bad">{text}</p></div>'
    if now.phase is Phase.ENDED and now.run is not None:
        return _ended(now, now.run)
    rows = "".join(map(_stage_row, now.stages))
    table = f'<table class="nb-stages">{rows}</table>' if rows else ""
    return f'<div class="nb nb-card"><p>{_headline(now, name)}</p>{table}</div>'


def report_frame(page: str, label: str) -> str:
    """A report within a notebook, whatever folders JupyterLab serves: the page travels in the frame itself.

    It runs apart from JupyterLab: no cookies, no access to the page around it.
    """
    # Without its own base, the report's links to its sections would lead to JupyterLab's address.
    page = page.replace("<head>", '<head><base href="about:srcdoc">', 1)
    return (
        f'<iframe class="nb-report" title="Report of {html.escape(label)}" '
        f'sandbox="allow-scripts allow-popups" srcdoc="{html.escape(page)}"></iframe>'
    )


def _ended(now: Situation, run: Run) -> str:
    card = run._repr_html_()
    if not now.is_up_to_date:
        return card
    note = f"Nothing to do: up to date since {html.escape(run.label)}."
    return f'<p class="nb nb-note" role="status"><span aria-hidden="true">✓</span> {note}</p>{card}'


def _headline(now: Situation, name: str) -> str:
    if now.is_cancelling:
        words = "cancelling …"
    elif now.phase is Phase.RUNNING:
        words = ""
    else:
        words = now.remark or "starting …"
    title = f'<span class="nb-title">{html.escape(name)}</span>{status_badge("running")}'
    return f'{title} <span class="nb-muted" role="status">{html.escape(words)}</span>'


def _stage_row(stage: StageProgress) -> str:
    icon = _ICONS.get(stage.state, "–")
    state = f'<td><span aria-hidden="true">{icon}</span> {html.escape(stage.state)}</td>'
    if stage.state != "running":
        return f'<tr><th scope="row">{html.escape(stage.name)}</th>{state}<td colspan="3"></td></tr>'
    cells = f"cell {stage.cells_done} of {stage.cells_total}" if stage.cells_total else "starting its kernel"
    bar = f'<progress max="{stage.cells_total or 1}" value="{stage.cells_done}" aria-label="cells done"></progress>'
    line = html.escape(stage.last_line[:_LONGEST_LINE])
    elapsed = format_duration(stage.elapsed_seconds) if stage.elapsed_seconds else ""
    return (
        f'<tr><th scope="row">{html.escape(stage.name)}</th>{state}<td>{bar} {cells}</td>'
        f"<td>{elapsed}</td><td><code>{line}</code></td></tr>"
    )
