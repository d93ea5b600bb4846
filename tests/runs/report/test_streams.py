from __future__ import annotations

from nightbook.runs.report.streams import (
    failing_line,
    render_bare_traceback,
    render_stream,
    render_traceback,
    settle,
    without_command,
    without_source,
)

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


def test_without_source_a_traceback_is_its_places() -> None:
    html = render_bare_traceback(TRACEBACK, "ZeroDivisionError", "division by zero")
    assert "<strong>ZeroDivisionError</strong>: division by zero" in html
    assert "Cell In[4], line 7\nFile /work/lib.py:3\nFile /work/lib.py:9</pre>" in html
    assert "left out, because this report was made without code" in html
    assert "f(" not in html
    assert "return" not in html


def test_without_source_the_traceback_of_another_kernel_is_not_shown() -> None:
    html = render_bare_traceback(["canary_call(x)"], "Error", "exit 127")
    assert "canary" not in html
    assert "<pre" not in html
    assert "left out" in html


def test_a_command_that_a_message_quotes_is_source_too() -> None:
    for end in ("returned non-zero exit status 3.", "died with <Signals.SIGKILL: 9>.", "timed out after 3 seconds"):
        assert without_command(f"CalledProcessError: Command 'b'canary\nit\\'s\n'' {end}") == (
            f"CalledProcessError: Command (left out) {end}"
        )
    assert without_command("Command your troops") == "Command your troops"


def test_a_quoted_command_goes_even_where_the_ledgers_message_was_cut_within_it() -> None:
    message = "CalledProcessError: Command 'b'canary (and more) ends he (in cell 3)"
    assert without_command(message) == "CalledProcessError: Command (left out) (in cell 3)"


def test_a_printed_traceback_and_a_warning_lose_their_source_lines() -> None:
    printed = (
        "before\n"
        "Traceback (most recent call last):\n"
        '  File "/tmp/ipykernel_7/1.py", line 2, in <module>\n'
        "    canary(1)\n"
        "    ^^^^^^^^^\n"
        '  File "/work/lib.py", line 9, in g\n'
        "    return canary / x\n"
        "ZeroDivisionError: division by zero\n"
        "/tmp/ipykernel_7/1.py:4: SettingWithCopyWarning: \n"
        "A value is trying to be set.\n"
        "\n"
        "    https://example.org\n"
        "  canary['a'] = 1\n"
        "  after\n"
    )
    kept = without_source(printed)
    assert "canary" not in kept
    assert kept.splitlines() == [
        "before", "Traceback (most recent call last):", '  File "/tmp/ipykernel_7/1.py", line 2, in <module>',
        '  File "/work/lib.py", line 9, in g', "ZeroDivisionError: division by zero",
        "/tmp/ipykernel_7/1.py:4: SettingWithCopyWarning: ", "A value is trying to be set.", "",
        "    https://example.org", "  after",
    ]  # fmt: skip
    assert without_source("  File a\n    kept\n") == "  File a\n    kept\n"


def test_the_source_lines_of_a_group_of_exceptions_go_too() -> None:
    printed = (
        '  | Traceback (most recent call last):\n  |   File "1.py", line 1, in f\n  |     canary()\n  | ValueError: x\n'
    )
    assert without_source(printed).splitlines()[1:] == ['  |   File "1.py", line 1, in f', "  | ValueError: x"]
