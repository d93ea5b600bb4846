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
_PLACE = re.compile(r'\s*(Cell In\s?\[\d*\], line \d+|File "[^"\n]*", line \d+|File [^\n]+?:\d+)')
_PRINTED_FRAME = re.compile(r'[ |]*File "[^"\n]*", line \d+')
_PRINTED_WARNING = re.compile(r"\S.*:\d+: \w*Warning: ")
_MOST_WARNING_LINES = 20
_COMMAND = re.compile(r"\bCommand (?:'.*'|\[.*\]) (?=returned non-zero|died with|timed out after)", re.DOTALL)
_CUT_COMMAND = re.compile(r"^((?:CalledProcessError|TimeoutExpired): Command) ['\[].*?((?: \([^()]*\))?)$", re.DOTALL)


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
    title = _error_title(name, message)
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


def render_bare_traceback(traceback: Sequence[str], name: str, message: str) -> Markup:
    """The message and the frames' places, for a page without source: a traceback quotes it."""
    found = [_PLACE.match(strip_ansi(part)) for part in traceback]
    places = [settle(place[1]) for place in found if place]
    note = Markup('<p class="notice">The traceback is left out, because this report was made without code.</p>')
    shown = _pre("\n".join(places), "traceback") if places else Markup()
    return _error_title(name, without_command(message)) + shown + note


def without_command(message: str) -> str:
    """A message of `subprocess` without the command that it quotes: of a `%%bash` cell that is the whole source."""
    shorter = _COMMAND.sub("Command (left out) ", message)
    # a long one is cut in the ledger, before the words that end the quotation
    return shorter if shorter != message else _CUT_COMMAND.sub(r"\1 (left out)\2", message)


def without_source(text: str) -> str:
    """Printed text without the lines of code that Python quotes below a traceback's frames and below a warning."""
    kept = []
    frame_depth: int | None = None
    warning_lines = 0
    for line in text.splitlines(keepends=True):
        depth = len(line) - len(line.lstrip(" |"))
        warning_lines -= 1
        if _PRINTED_FRAME.match(line):
            frame_depth = depth
        elif frame_depth is not None and depth > frame_depth:
            continue
        else:
            frame_depth = None
        if _PRINTED_WARNING.match(line):
            warning_lines = _MOST_WARNING_LINES
        elif warning_lines > 0 and re.match(r"  \S", line):
            # its message may have lines before; its source is the one with this indent
            warning_lines = 0
            continue
        kept.append(line)
    return "".join(kept)


def failing_line(traceback: Sequence[str]) -> int | None:
    """The line of the cell itself that raised, not of the library it called."""
    found = _CELL_LINE.search(strip_ansi("\n".join(traceback)))
    if found is None:
        return None
    return int(found.group(1) or found.group(2))


def _error_title(name: str, message: str) -> Markup:
    return Markup('<p class="error-message"><strong>{}</strong>{}{}</p>').format(
        name or "Error", ": " if message else "", settle(strip_ansi(message))
    )


def _pre(text: str, kind: str) -> Markup:
    return Markup('<pre class="text {}">{}</pre>').format(kind, Markup(ansi2html(text)))  # noqa: S704 - it escapes
