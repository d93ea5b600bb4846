from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from nightbook.runs.report.markdown import Heading, Prose

if TYPE_CHECKING:
    from pathlib import Path

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def prose(folder: Path | None = None) -> Prose:
    return Prose(folder=folder, root=folder)


def test_headings_are_one_level_down_and_listed_with_anchors_of_their_own() -> None:
    page = prose()
    html = page.render("# Delays & causes\n\n## By *carrier*\n\n#### deep\n\n## By *carrier*", "c1")
    assert '<h2 id="nb-delays-causes">' in html
    assert '<h3 id="nb-by-carrier">' in html
    assert '<h3 id="nb-by-carrier-2">' in html
    assert page.headings == [
        Heading(level=1, text="Delays & causes", anchor="nb-delays-causes"),
        Heading(level=2, text="By carrier", anchor="nb-by-carrier"),
        Heading(level=2, text="By carrier", anchor="nb-by-carrier-2"),
    ]


def test_formulas_in_prose_become_mathml() -> None:
    html = prose().render("Inline $x^2$ and\n\n$$\\frac{a}{b}$$\n\n\\begin{align}a &= b\\end{align}", "c1")
    assert html.count("<math") == 3
    assert "$" not in html


def test_dollars_in_code_stay_dollars() -> None:
    assert "<code>$x$</code>" in prose().render("`$x$`", "c1")


def test_scripts_and_remote_pictures_are_removed_with_a_notice() -> None:
    html = prose().render("<script>alert(1)</script>\n\n![x](https://example.org/a.png)", "c1")
    assert "alert" not in html
    assert 'src="https' not in html
    assert "an image from example.org" in html


def test_a_picture_of_the_project_is_embedded_but_nothing_outside_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.png").write_bytes(PIXEL)
    (tmp_path / "secret.png").write_bytes(PIXEL)
    page = Prose(folder=project, root=project)
    assert 'src="data:image/png;base64,' in page.render("![dot](a.png)", "c1")
    assert "an image from this machine" in page.render("![dot](../secret.png)", "c2")


def test_an_attachment_is_embedded() -> None:
    html = prose().render("![dot](attachment:a.png)", "c1", {"a.png": {"image/png": base64.b64encode(PIXEL).decode()}})
    assert 'src="data:image/png;base64,' in html


def test_a_missing_attachment_does_not_break_the_page() -> None:
    assert "notice" in prose().render("![dot](attachment:gone.png)", "c1")


def test_a_mermaid_diagram_keeps_its_source() -> None:
    html = prose().render("```mermaid\ngraph LR; a-->b\n```", "c1")
    assert "<details" in html
    assert "a--&gt;b" in html


def test_fenced_code_is_highlighted_and_tables_scroll() -> None:
    html = prose().render("```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |", "c1")
    assert '<span class="mi">1</span>' in html
    assert 'role="group"' in html
