from __future__ import annotations

from nightbook.runs.report.code import highlight_code


def test_code_is_escaped_and_classed() -> None:
    assert highlight_code("x = '<b>'", "python").startswith('<span class="n">x</span>')
    assert "&lt;b&gt;" in highlight_code("x = '<b>'", "python")


def test_a_language_nobody_knows_stays_plain() -> None:
    assert highlight_code("a < b", "no-such-language").strip() == "a &lt; b"
