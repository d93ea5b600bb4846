from __future__ import annotations

from nightbook.runs.report.streams import failing_line, render_stream, render_traceback, settle

TRACEBACK = (
    "\x1b[31m---------\x1b[39m",
    "\x1b[31mZeroDivisionError\x1b[39m   Traceback (most recent call last)",
    "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[4]\x1b[39m\x1b[32m, line 7\x1b[39m\n----> 7 f(0)",
    "\x1b[36mFile /work/lib.py:3\x1b[39m, in f(x)\n----> 3 return g(x)",
    "\x1b[36mFile /work/lib.py:9\x1b[39m, in g(x)\n----> 9 return 1 / x",
    "\x1b[31mZeroDivisionError\x1b[39m: division by zero",
)


def test_short_text_stands_open_and_escaped() -> None:
    html = render_stream("a < b\n", "stdout")
    assert html == '<pre class="text stdout">a &lt; b</pre>'


def test_standard_error_is_named() -> None:
    assert "Standard error" in render_stream("careful\n", "stderr")


def test_of_long_text_the_first_and_last_twenty_lines_are_open_and_the_rest_is_counted() -> None:
    html = render_stream("\n".join(f"line {number}" for number in range(100)), "stdout")
    before, folded, after = (
        html.split("<details")[0],
        html.split("<details")[1].split("</details>")[0],
        html.split("</details>")[1],
    )
    assert "60 more lines" in folded
    assert "line 19" in before
    assert "line 20" not in before
    assert "line 20" in folded
    assert "line 79" in folded
    assert "line 80" in after
    assert "line 99" in after


def test_one_endless_line_is_folded_too() -> None:
    html = render_stream("x" * 100_000, "stdout")
    assert "90,000 more characters" in html


def test_a_progress_bar_is_its_last_state() -> None:
    assert settle("10%\r50%\r100%\ndone") == "100%\ndone"
    assert settle("a\r\nb") == "a\nb"
    assert settle("12\b3") == "13"


def test_terminal_colours_become_classes_and_other_controls_vanish() -> None:
    html = render_stream("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Kplain\x00", "stdout")
    assert '<span class="ansi-red-fg">red</span>' in html
    assert "title" not in html
    assert "\x00" not in html
    assert "\x1b" not in html


def test_a_traceback_opens_its_message_and_last_frame_and_folds_the_rest() -> None:
    html = render_traceback(TRACEBACK, "ZeroDivisionError", "division by zero")
    opened = html.split("<details")[0] + html.split("</details>")[1]
    folded = html.split("<details")[1].split("</details>")[0]
    assert "<strong>ZeroDivisionError</strong>: division by zero" in opened
    assert "return 1 / x" in opened
    assert "2 earlier frames" in folded
    assert "return g(x)" in folded


def test_a_traceback_of_another_kernel_is_shown_as_it_is() -> None:
    html = render_traceback(["command not found: <x>"], "Error", "exit 127")
    assert "command not found: &lt;x&gt;" in html
    assert "<details" not in html


def test_the_failing_line_is_the_cells_own_not_the_librarys() -> None:
    assert failing_line(TRACEBACK) == 7
    assert failing_line(["whatever"]) is None
