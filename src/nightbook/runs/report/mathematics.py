"""LaTeX as MathML, which browsers draw without a library, and the font it needs."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module

from markupsafe import Markup
from math_core import LatexError, LatexToMathML

_ITALIC = frozenset([*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C), 0x210E, 0x1D6A4, 0x1D6A5])
_ALWAYS = frozenset([*range(0x20, 0x7F), 0x2212, 0x2032, 0x2061, 0x2062, 0x2063, 0x200B])
_DELIMITED = re.compile(r"^\s*(?:\$\$(?P<a>.*)\$\$|\$(?P<b>.*)\$|\\\[(?P<c>.*)\\\]|\\\((?P<d>.*)\\\))\s*$", re.DOTALL)
_STARRED = re.compile(r"\\(begin|end)\{(equation|displaymath|math)\*?\}")
_UNKNOWN = re.compile(r"\\(?:label\{[^}]*\}|nonumber\b|notag\b)")
_TEXT = re.compile(r"<[^>]*>")
_ENTITY = {"ApplyFunction": "\u2061", "InvisibleTimes": "\u2062", "InvisibleComma": "\u2063"}


def math_to_html(latex: str, *, is_block: bool) -> Markup:
    """MathML, or the source as code where it is not LaTeX that can be read."""
    source = _UNKNOWN.sub("", _STARRED.sub("", latex)).strip()
    try:
        converted = _converter().convert_with_local_state(source, displaystyle=is_block)
    except LatexError:
        return _source(latex, is_block=is_block)
    mathml = Markup(converted)  # noqa: S704 - the converter escapes what it does not know
    if not is_block:
        return mathml
    return Markup('<div class="math" role="group" tabindex="0" aria-label="Formula">{}</div>').format(mathml)


def latex_output_to_html(text: str) -> Markup:
    """What `IPython.display.Math` and `Latex` send: delimited formulas, or text around them."""
    found = _DELIMITED.match(text)
    if found:
        inline = found.group("b") if found.group("b") is not None else found.group("d")
        body = inline if inline is not None else found.group("a") or found.group("c") or ""
        display = inline is None or inline.lstrip().startswith(r"\displaystyle")
        return math_to_html(body.replace(r"\displaystyle", "", 1) if display else body, is_block=display)
    return math_to_html(text, is_block=True)


def math_font_css(html: str) -> str:
    """A font face with the glyphs of this page's formulas; empty when it has none."""
    if "<math" not in html:
        return ""
    formulas = "".join(re.findall(r"<math.*?</math>", html, re.DOTALL))
    text = _TEXT.sub("", formulas)
    for name, character in _ENTITY.items():
        text = text.replace(f"&{name};", character)
    used = frozenset(ord(character) for character in text)
    # Loaded only for a page with formulas: fontTools takes as long as the rest of a report.
    font = import_module("nightbook.runs.report.math_font").subset_font(used | _ITALIC | _ALWAYS)
    face = f"font-family:NightbookMath;src:url(data:font/woff;base64,{font}) format('woff')"
    return f"@font-face{{{face}}}math{{font-family:NightbookMath,math}}"


def _source(latex: str, *, is_block: bool) -> Markup:
    shown = Markup('<code class="math-source">{}</code>').format(latex)
    return Markup('<pre class="text">{}</pre>').format(shown) if is_block else shown


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(ignore_unknown_commands=False)
