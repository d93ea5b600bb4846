"""Text that a cell printed, and the traceback it ended with, as HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup
from nbconvert.filters.ansi import ansi2html, strip_ansi

from nightbook.numbers import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

_EDGE_LINES = 20
_FOLDED_CHARACTERS = 500_000
_MOST_OPEN_CHARACTERS = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_OTHER_ESCAPES = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-9;?]*[A-Za-ln-z]|[()][0-9A-Za-z])")
_CELL_LINE = re.compile(r"Cell In\s?\[\d*\], line (\d+)|<ipython-input[^>]*> in .*?\(\)\n.*?-+> (\d+)", re.DOTALL)
_FRAME_PARTS = 4


def render_stream(text: str, name: str) -> Markup:
    """First and last 20 lines open, what is between them folded and counted."""
    shown = settle(text)
    lines = shown.splitlines()
    kind = "stderr" if name == "stderr" else "stdout"
    label = Markup('<p class="stream-name">Standard error</p>') if kind == "stderr" else Markup()
    if len(lines) <= 2 * _EDGE_LINES + 5 and len(shown) <= _MOST_OPEN_CHARACTERS:
        return label + _pre("\n".join(lines), kind)
    if len(lines) <= 2 * _EDGE_LINES + 5:
        return label + _long_lines(shown, kind)
    middle = lines[_EDGE_LINES:-_EDGE_LINES]
    hidden = "\n".join(middle)
    note = ""
    if len(hidden) > _FOLDED_CHARACTERS:
        note = f", of which the first {format_bytes(_FOLDED_CHARACTERS)} are in this page"
        hidden = hidden[:_FOLDED_CHARACTERS]
    folded = Markup('<details class="more"><summary>{}{}</summary>{}</details>').format(
        format_count(len(middle), "more line"), note, _pre(hidden, kind)
    )
    return label + _pre("\n".join(lines[:_EDGE_LINES]), kind) + folded + _pre("\n".join(lines[-_EDGE_LINES:]), kind)


def _long_lines(text: str, kind: str) -> Markup:
    """Few lines but much text: its beginning open, the rest folded."""
    half = _MOST_OPEN_CHARACTERS // 2
    rest = text[half : half + _FOLDED_CHARACTERS]
    note = format_count(len(text) - half, "more character")
    return _pre(text[:half], kind) + Markup('<details class="more"><summary>{}</summary>{}</details>').format(
        note, _pre(rest, kind)
    )


def settle(text: str) -> str:
    """What a terminal would show in the end: of a progress bar, its last state."""
    plain = _OTHER_ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in plain:
        plain = "\n".join(_last_state(line) for line in plain.split("\n"))
    while "\b" in plain:
        shorter = re.sub(r"[^\n\b]?\x08", "", plain)
        if shorter == plain:
            break
        plain = shorter
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", plain)


def _last_state(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def render_traceback(traceback: Sequence[str], name: str, message: str) -> Markup:
    """The message and the last frame open, earlier frames folded and counted."""
    title = Markup('<p class="error-message"><strong>{}</strong>{}{}</p>').format(
        name or "Error", ": " if message else "", settle(strip_ansi(message))
    )
    frames = [settle(part) for part in traceback]
    if len(frames) < _FRAME_PARTS:
        return title + (_pre("\n".join(frames), "traceback") if frames else Markup())
    # IPython gives a rule, a title, one entry a frame, and the message, which already stands above
    *earlier, last = frames[2:-1]
    folded = Markup()
    if earlier:
        folded = Markup('<details class="more"><summary>{}</summary>{}</details>').format(
            format_count(len(earlier), "earlier frame"), _pre("\n".join(earlier), "traceback")
        )
    return title + folded + _pre(last, "traceback")


def failing_line(traceback: Sequence[str]) -> int | None:
    """The line of the cell itself that raised, not of the library it called."""
    found = _CELL_LINE.search(strip_ansi("\n".join(traceback)))
    if found is None:
        return None
    return int(found.group(1) or found.group(2))


def _pre(text: str, kind: str) -> Markup:
    return Markup('<pre class="text {}">{}</pre>').format(kind, Markup(ansi2html(text)))  # noqa: S704 - it escapes
