from __future__ import annotations

import pytest

from nightbook.runs.report.markup import clean_html, removal_notice

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><use href='data:image/svg+xml,<svg onload=alert(1)>'></svg>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java&#x09;script:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<form action='https://example.org'><button>x</button></form>",
    "<object data='data:text/html,alert(1)'></object>",
    "<embed src='data:text/html,alert(1)'>",
    "<base href='https://example.org/'>",
    "<meta http-equiv=refresh content='0;url=https://example.org/'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<details ontoggle=alert(1) open>x</details>",
    "<body onload=alert(1)>",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_runs_or_leads_away_survives(attack: str) -> None:
    html = clean_html(attack, "nb-o1").html.lower()
    without_text = html.replace("&lt;", "")
    for sign in (
        "<script",
        "<iframe",
        "<object",
        "<embed",
        "<base",
        "<meta",
        "<form",
        "<animate",
        "javascript:",
        "data:text",
        'href="data:',
    ):
        assert sign not in without_text
    for handler in (" onerror=", " onload=", " onbegin=", " ontoggle="):
        assert f"<img{handler}" not in html
        assert handler not in html.replace('title="--&gt;&lt;img src=1 onerror=alert(1)&gt;"', "")


@pytest.mark.parametrize(
    ("source", "removed"),
    [
        ("<img src='https://example.org/a.png'>", "an image from example.org"),
        ("<img src='figures/a.png'>", "an image from this machine"),
        ("<script src='https://cdn.example.org/x.js'></script>", "a script from cdn.example.org"),
        ("<link rel=stylesheet href='https://example.org/a.css'>", "a style sheet from example.org"),
        ("<iframe src='https://example.org/'></iframe>", "a frame from example.org"),
        ("<iframe srcdoc='x'></iframe>", "a frame"),
        ("<style>a{background:url(https://example.org/a.png)}</style>", "a style resource from example.org"),
        ("<p style='background:url(https://example.org/a.png)'>", "a style resource from example.org"),
        ("<script>1</script>", "a script"),
    ],
)
def test_what_is_removed_is_named_with_its_host(source: str, removed: str) -> None:
    cleaned = clean_html(source, "nb-o1")
    assert cleaned.removed == (removed,)
    assert "example.org" not in cleaned.html
    assert removed in removal_notice(cleaned.removed)


def test_ordinary_html_with_pictures_of_its_own_is_kept() -> None:
    source = (
        '<h2>A</h2><img src="data:image/png;base64,AAAA" alt="x"><table><tr><td style="color: red">1</td></tr></table>'
    )
    cleaned = clean_html(source, "nb-o1")
    assert 'src="data:image/png;base64,AAAA"' in cleaned.html
    assert "color: red" in cleaned.html
    assert cleaned.removed == ()
    assert removal_notice(()) == ""


def test_an_output_cannot_take_the_ids_of_the_page() -> None:
    html = clean_html('<p id="error">a</p><p id="nb-toc">b</p><p id="mine">c</p>', "nb-o1").html
    assert 'id="error"' not in html
    assert 'id="nb-' not in html
    assert 'id="mine"' in html


def test_links_open_elsewhere_without_telling_where_from() -> None:
    html = clean_html('<a href="https://example.org/">x</a>', "nb-o1").html
    assert 'href="https://example.org/"' in html
    assert "noopener noreferrer" in html


def test_own_colours_ask_for_a_white_plate_unless_they_know_the_dark() -> None:
    assert clean_html("<b style='background-color: yellow'>1</b>", "o").has_colours
    assert clean_html("<style>td { color: red }</style><td>1</td>", "o").has_colours
    assert not clean_html("<style>@media (prefers-color-scheme: dark) { td { color: red } }</style>", "o").has_colours
    assert not clean_html("<td>1</td>", "o").has_colours


def test_the_style_that_pandas_repeats_in_every_table_is_left_out_silently() -> None:
    cleaned = clean_html("<style scoped>.dataframe th { color: red }</style><table><tr><td>1</td></tr></table>", "o")
    assert "<style" not in cleaned.html
    assert cleaned.removed == ()
