from __future__ import annotations

import pytest

from nightbook.runs.report.stylesheets import declared_hosts, host_of, safe_declarations, scoped_css


def test_every_selector_of_a_list_stays_below_the_scope() -> None:
    css, hosts = scoped_css("#T_1 td, h1 > b { color: red }", ".nb-o1")
    assert css.replace(" ", "") == ".nb-o1#T_1td,.nb-o1h1>b{color:red;}"
    assert hosts == ()


def test_rules_for_the_page_become_rules_for_the_output() -> None:
    css, _ = scoped_css(":root { --a: 1px } body { margin: 0 }", ".nb-o1")
    assert css.startswith(".nb-o1{--a: 1px")
    assert "body" not in css


@pytest.mark.parametrize(
    "source",
    [
        "@import url(https://example.org/a.css);",
        '@import "https://example.org/a.css";',
        "a { background: url(https://example.org/a.png) }",
        "a { background: URL( 'https://example.org/a.png' ) }",
        r"a { background: u\72l(https://example.org/a.png) }",
        'a { background: image-set("https://example.org/a.png" 1x) }',
        "@media print { a { background: url(//example.org/a.png) } }",
        "a { --x: url(https://example.org/a.png) }",
    ],
)
def test_nothing_is_loaded_and_the_host_is_named(source: str) -> None:
    css, hosts = scoped_css(source, ".nb-o1")
    assert "example.org" not in css
    assert hosts == ("example.org",)


@pytest.mark.parametrize(
    "source",
    [
        "header:not(&) { display: none }",
        "a { color: red; & + b { display: none } header:has(&) { display: none } }",
        "@font-face { font-family: x; src: url(https://example.org/x.woff) }",
        "@page { size: A5 }",
    ],
)
def test_what_could_leave_the_scope_is_dropped(source: str) -> None:
    css, _ = scoped_css(source, ".nb-o1")
    assert "display" not in css
    assert "@" not in css


def test_a_style_element_cannot_be_closed_from_within() -> None:
    css, _ = scoped_css('a::before { content: "</style><script>alert(1)</script>" }', ".nb-o1")
    assert "</" not in css


def test_data_urls_and_media_queries_are_kept() -> None:
    css, hosts = scoped_css(
        "@media (prefers-color-scheme: dark) { a { background: url(data:image/png;base64,AA) } }", ".o"
    )
    assert "prefers-color-scheme" in css
    assert "data:image/png" in css
    assert hosts == ()


def test_a_style_attribute_keeps_all_but_what_loads() -> None:
    kept = safe_declarations("color: red; background-image: url(https://example.org/x.png); width: 3px")
    assert "example.org" not in kept
    assert "color: red" in kept
    assert "width: 3px" in kept
    assert safe_declarations("text-align: right") == "text-align: right"
    assert declared_hosts("background: url(https://example.org/x.png)") == ("example.org",)


@pytest.mark.parametrize(
    ("address", "host"),
    [("https://a.org/x", "a.org"), ("//a.org/x", "a.org"), ("x.png", "this machine"), ("data:,x", ""), ("#id", "")],
)
def test_a_host_is_named_for_what_would_be_loaded(address: str, host: str) -> None:
    assert host_of(address) == host
