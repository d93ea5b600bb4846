from __future__ import annotations

import time
from typing import Any

import pytest

from nightbook.runs.outputs import MOST_OUTPUTS, TAIL_CHARACTERS, CellOutputs, StreamText, storable_data, visible
from nightbook.runs.redaction import Redactor

MEGABYTE = 1_000_000


def displayed(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}


def show(bounded: CellOutputs, outputs: list[Any], text: str) -> None:
    """What the notebook client does with a display."""
    output = displayed(text)
    if bounded.admit(output):
        outputs.append(output)


def stream_of(*pieces: str, limit: int = MEGABYTE, redactor: Redactor | None = None) -> StreamText:
    stream = StreamText(limit, redactor or Redactor(()))
    for piece in pieces:
        stream.append(piece)
    return stream


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a", "b\n", "c"], "ab\nc"),
        (["10%", "\r20%", "\r30%"], "30%"),
        (["10%\r", "20%\r", "30%\n"], "30%\n"),
        (["kept\n10%\r20%\r", "done\n", "more"], "kept\ndone\nmore"),
        (["10%", "\r20%\n30%", "\r40%"], "20%\n40%"),
        (["windows\r\n", "lines\r", "\nof text"], "windows\nlines\nof text"),
        (["a\r\rb"], "b"),
        (["last\r"], "last"),
        (["\r"], ""),
        (["a\r", "", "b"], "b"),
    ],
)
def test_of_a_line_written_again_only_the_last_state_is_output(pieces: list[str], text: str) -> None:
    assert stream_of(*pieces).text == text


def test_a_terminal_shows_what_follows_the_last_carriage_return() -> None:
    assert visible("a\rb\nc\r\nd") == "b\nc\nd"


def test_printed_text_over_the_limit_keeps_beginning_and_end_and_says_what_is_gone() -> None:
    text = stream_of(*(f"{number}\n" for number in range(100_000)), limit=1_000).text
    assert text.startswith("0\n1\n2\n")
    assert text.endswith("99998\n99999\n")
    assert "characters of output dropped here" in text
    assert len(text) < 1_000 + TAIL_CHARACTERS + 100


def test_text_a_little_over_the_limit_is_kept_whole() -> None:
    assert stream_of("x" * 900, "y" * 900, limit=1_000).text == "x" * 900 + "y" * 900


def test_a_progress_bar_does_not_use_up_the_limit() -> None:
    stream = stream_of(*("\r" + "#" * 80 for _ in range(1_000)), "\ndone", limit=1_000)
    assert stream.text == "#" * 80 + "\ndone"


@pytest.mark.parametrize(
    "pieces",
    [
        ["y" * 5 * MEGABYTE, "\n", *(f"\r{number}" for number in range(20_000))],
        ["y" * 5 * MEGABYTE + "\r" + "z" * 5 * MEGABYTE],
        ["." for _ in range(200_000)],
        ["\n".join(map(str, range(500_000)))],
    ],
    ids=["progress behind a long line", "one long line written twice", "a line of small pieces", "many lines at once"],
)
def test_no_kind_of_output_takes_more_than_linear_time(pieces: list[str]) -> None:
    began = time.process_time()
    stream_of(*pieces, limit=10 * MEGABYTE)
    assert time.process_time() - began < 3


def test_a_secret_printed_in_pieces_is_redacted_also_where_the_text_is_cut() -> None:
    redactor = Redactor(["s3cret-value"])
    pieces = ["x" * 95, *"s3cret-value", "\n", *"the end: s3cret-value"]
    text = stream_of(*pieces, limit=100, redactor=redactor).text
    assert text == "x" * 95 + "[redacted]\nthe end: [redacted]"


def test_the_last_line_is_the_last_that_is_not_blank() -> None:
    assert stream_of("epoch 1\n", "epoch 2\n", "\n").last_line == "epoch 2"
    assert stream_of("10%\r", "20%").last_line == "20%"
    assert stream_of("").last_line == ""


def test_streams_stand_where_they_were_printed_between_displays() -> None:
    outputs: list[Any] = []
    bounded = CellOutputs(outputs, MEGABYTE)
    bounded.add_stream("stdout", "a")
    show(bounded, outputs, "1")
    show(bounded, outputs, "2")
    bounded.add_stream("stdout", "b")
    shown: list[Any] = bounded.shown()
    assert [one.get("text") or one["data"]["text/plain"] for one in shown] == ["a", "1", "2", "b"]


def test_stdout_and_stderr_in_turns_are_two_outputs() -> None:
    outputs: list[Any] = []
    bounded = CellOutputs(outputs, MEGABYTE)
    for number in range(1_000):
        bounded.add_stream(("stdout", "stderr")[number % 2], f"{number}\n")
    assert [one["name"] for one in bounded.shown()] == ["stdout", "stderr"]


def test_displays_beyond_the_most_are_dropped_and_counted() -> None:
    outputs: list[Any] = []
    bounded = CellOutputs(outputs, MEGABYTE)
    for number in range(5_000):
        show(bounded, outputs, str(number))
    shown: list[Any] = bounded.shown()
    assert len(shown) == MOST_OUTPUTS + 1
    assert shown[-1]["data"]["text/plain"] == "[nightbook: 3,000 more outputs dropped here, over the limit]"
    # Every output keeps its place, so that a later `update_display` finds it.
    assert outputs == shown[:-1]


def test_a_display_too_large_is_dropped_and_what_fits_comes_behind_it() -> None:
    outputs: list[Any] = []
    bounded = CellOutputs(outputs, 1_000)
    show(bounded, outputs, "x" * 2_000)
    show(bounded, outputs, "small")
    assert [one["data"]["text/plain"] for one in outputs] == ["small"]
    assert len(bounded.shown()) == 2


def test_an_error_always_fits_if_need_be_shortened() -> None:
    outputs: list[Any] = []
    bounded = CellOutputs(outputs, 10_000)
    bounded.add_stream("stdout", "x" * 10_000)
    error: dict[str, object] = {
        "ename": "ValueError",
        "evalue": "v" * 50_000,
        "traceback": ["line"] * 10 + ["t" * 50_000],
    }
    assert bounded.admit(error)
    assert len(str(error)) < 12_000
    assert error["ename"] == "ValueError"
    assert "characters dropped" in str(error["evalue"])


def test_data_that_the_notebook_format_would_refuse_gets_a_name_that_it_allows() -> None:
    data = {"application/vnd.vegalite.v6.json": {"mark": "bar"}, "text/plain": "chart", "application/json": {}}
    assert storable_data(data) == {
        "application/vnd.vegalite.v6+json": {"mark": "bar"},
        "text/plain": "chart",
        "application/json": {},
    }
