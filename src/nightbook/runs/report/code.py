"""Source code with a few classes for colour; the colours are in the style sheet, light and dark."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from pygments.lexer import Lexer

_MOST_CHARACTERS = 200_000


def highlight_code(source: str, language: str) -> Markup:
    """Spans without a surrounding element; a language nobody knows stays plain."""
    lexer = _lexer(language if len(source) <= _MOST_CHARACTERS else "")
    return Markup(highlight(source.strip("\n"), lexer, HtmlFormatter(nowrap=True)))  # noqa: S704 - Pygments escapes


@cache
def _lexer(language: str) -> Lexer:
    try:
        lexer: Lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        return TextLexer()
    return lexer
