from __future__ import annotations

import time

from markupsafe import Markup

from nightbook.runs.report.tables import TableRules, cut_tables, dress_tables


def table_of(rows: int) -> Markup:
    body = "".join(f"<tr><th>{row}</th><td>{row}</td></tr>" for row in range(rows))
    return Markup(f"<table border='1'><thead><tr><th></th><th>x</th></tr></thead><tbody>{body}</tbody></table>")


def test_a_table_scrolls_in_a_region_that_the_keyboard_reaches() -> None:
    html = dress_tables(table_of(3))
    assert (
        html.startswith('<div aria-label="Table" class="scroll" role="group" tabindex="0">') or 'role="group"' in html
    )
    assert 'tabindex="0"' in html
    assert "border=" not in html


def test_rows_after_the_two_hundredth_are_counted_and_linked() -> None:
    html, note = cut_tables(table_of(250), TableRules(link="executed.ipynb"))
    assert html.count("<tr>") == 201
    assert html.endswith("<td>199</td></tr></tbody></table>")
    assert "50 more rows not shown here" in note
    assert '<a href="executed.ipynb">the executed notebook</a>' in note


def test_two_hundred_rows_are_all_shown() -> None:
    whole = table_of(200)
    assert cut_tables(whole, TableRules()) == (whole, "")


def test_each_table_has_its_own_two_hundred_rows() -> None:
    html, note = cut_tables(table_of(150) + table_of(150), TableRules())
    assert html.count("<tr>") == 302
    assert note == ""


def test_rows_of_a_table_inside_a_cell_are_not_counted() -> None:
    inner = "<table>" + "<tr><td>1</td></tr>" * 300 + "</table>"
    html, note = cut_tables(f"<table><tr><td>{inner}</td></tr></table>", TableRules())
    assert html.count("<tr>") == 301
    assert note == ""


def test_ten_thousand_rows_take_no_time() -> None:
    started = time.perf_counter()
    cut_tables(table_of(10_000), TableRules())
    assert time.perf_counter() - started < 2


def test_an_empty_corner_is_no_header() -> None:
    assert "<th></th>" not in dress_tables(table_of(1))


def test_a_caption_names_the_region() -> None:
    html = dress_tables(Markup("<table><caption>Delays by carrier</caption><tr><td>1</td></tr></table>"))
    assert 'aria-label="Delays by carrier"' in html


def test_a_table_inside_a_table_stays_inside() -> None:
    html = dress_tables(Markup("<table><tr><td><table><tr><td>1</td></tr></table></td></tr></table>"))
    assert html.count('role="group"') == 1


def test_text_without_a_table_is_untouched() -> None:
    assert dress_tables(Markup("<p>a &lt; b</p>")) == "<p>a &lt; b</p>"


def test_numbers_of_a_data_frame_stand_right_and_words_left() -> None:
    html = dress_tables(
        Markup(
            '<table class="dataframe"><thead><tr><th></th><th>name</th><th>mean</th></tr></thead><tbody>'
            "<tr><th>0</th><td>US</td><td>-2.6</td></tr><tr><th>1</th><td>AA</td><td>1,234.5</td></tr></tbody></table>"
        )
    )
    assert '<th class="n">mean</th>' in html
    assert '<td class="n">-2.6</td>' in html
    assert "<td>US</td>" in html
