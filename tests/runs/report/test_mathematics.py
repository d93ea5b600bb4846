from __future__ import annotations

import base64
import re
from io import BytesIO

from fontTools.ttLib import TTFont

from nightbook.runs.report.mathematics import latex_output_to_html, math_font_css, math_to_html


def test_a_formula_becomes_mathml() -> None:
    html = math_to_html(r"\frac{a}{b}", is_block=False)
    assert html.startswith("<math>")
    assert "<mfrac>" in html


def test_aligned_equations_and_operator_names_work() -> None:
    html = math_to_html(
        r"\begin{align*} a &= \operatorname*{argmin}_x f(x) \label{eq} \\ c &= d \nonumber \end{align*}", is_block=True
    )
    assert "<mtable" in html
    assert "argmin" in html


def test_what_is_no_latex_stays_as_its_source_in_code() -> None:
    html = math_to_html(r"\nosuchcommand{<b>}", is_block=False)
    assert html == r'<code class="math-source">\nosuchcommand{&lt;b&gt;}</code>'


def test_outputs_of_ipython_lose_their_dollars() -> None:
    assert latex_output_to_html(r"$\displaystyle \frac{1}{2}$").startswith('<div class="math"')
    assert latex_output_to_html("$x$").startswith("<math>")
    assert "<mi>x</mi>" in latex_output_to_html("$$x$$")
    assert "<mi>x</mi>" in latex_output_to_html(r"\[x\]")


def test_the_font_comes_only_with_formulas_and_draws_their_letters() -> None:
    assert math_font_css("<p>no formula</p>") == ""
    css = math_font_css(math_to_html(r"\sum_{i=1}^{n} \alpha_i", is_block=True))
    encoded = re.search(r"base64,([^)]+)\)", css)
    assert encoded is not None
    font = TTFont(BytesIO(base64.b64decode(encoded[1])))
    assert {0x2211, 0x3B1, 0x1D465} <= font.getBestCmap().keys()
    assert "MATH" in font
    assert len(css) < 500_000
