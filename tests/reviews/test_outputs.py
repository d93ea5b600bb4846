from __future__ import annotations

import base64
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nightbook.reviews import rules as limits
from nightbook.reviews.documents import DocumentDiff
from nightbook.reviews.images import ImageDiff
from nightbook.reviews.noise import Noise
from nightbook.reviews.outputs import OutputState, diff_outputs
from nightbook.reviews.rules import EXACT, USUAL, DiffRules
from nightbook.reviews.shown import ERROR, TEXT, Shown
from nightbook.reviews.tables import TableDiff
from nightbook.reviews.texts import TextDiff

TABLE = "<table><tr><td>{}</td><td>b</td></tr></table>"


def picture(colour: str, level: int = 6) -> str:
    target = BytesIO()
    Image.new("RGB", (4, 4), colour).save(target, format="PNG", compress_level=level)
    return base64.b64encode(target.getvalue()).decode()


def shown(mime: str, content: object, text: str = "") -> Shown:
    return Shown(kind=mime, formats={mime: content, TEXT: text})


def printed(text: str) -> Shown:
    return Shown(kind="stdout", formats={TEXT: text})


@pytest.mark.parametrize(
    ("mime", "before", "after", "detail"),
    [
        ("image/png", picture("red"), picture("blue"), ImageDiff),
        ("text/html", TABLE.format(1), TABLE.format(2), TableDiff),
        ("text/html", "<p>one</p>", "<p>two</p>", TextDiff),
        ("text/html", "<p class='a'>one</p>", "<p class='b'>one</p>", TextDiff),
        ("text/html", TABLE.format(1), TABLE.format(1).replace("<td>b", "<td class='x'>b"), TextDiff),
        ("image/svg+xml", "<svg>1</svg>", "<svg>2</svg>", TextDiff),
        ("text/latex", "$a$", "$b$", TextDiff),
        ("application/vnd.plotly.v1+json", {"data": [1]}, {"data": [2]}, DocumentDiff),
        ("image/png", "damaged", "also damaged", type(None)),
        ("application/pdf", "JVBERi0x", "JVBERi0y", type(None)),
    ],
)
def test_each_format_is_compared_by_what_it_is(mime: str, before: object, after: object, detail: type) -> None:
    (diff,) = diff_outputs([shown(mime, before)], [shown(mime, after)], USUAL)
    assert (diff.state, diff.kind, diff.mime) == (OutputState.CHANGED, mime, mime)
    assert isinstance(diff.detail, detail)
    assert diff.to_json()["state"] == "changed"


def test_a_table_in_the_same_words_elsewhere_is_still_told_by_the_first_format_that_differs() -> None:
    (diff,) = diff_outputs(
        [shown("text/html", "<b>1</b>", text="a")], [shown("text/html", "<b>1</b>", text="b")], USUAL
    )
    assert (diff.state, diff.mime) == (OutputState.CHANGED, TEXT)


def test_noise_is_no_change_unless_it_is_asked_for() -> None:
    before, after = [printed("<A at 0x7f11>")], [printed("<A at 0x7f22>")]
    (diff,) = diff_outputs(before, after, USUAL)
    assert (diff.state, diff.noise, diff.state.is_change) == (OutputState.NOISE, {Noise.ADDRESS: 1}, False)
    (seen,) = diff_outputs(before, after, EXACT)
    assert seen.state is OutputState.CHANGED


def test_the_same_pixels_in_other_bytes_are_noise() -> None:
    before, after = [shown("image/png", picture("red", 0))], [shown("image/png", picture("red", 9))]
    (diff,) = diff_outputs(before, after, USUAL)
    assert (diff.state, diff.noise) == (OutputState.NOISE, {Noise.ENCODING: 1})
    (seen,) = diff_outputs(before, after, EXACT)
    assert (seen.state, seen.detail) == (OutputState.CHANGED, None)


def test_numbers_within_the_tolerance_are_told_apart() -> None:
    (diff,) = diff_outputs([printed("loss 0.50")], [printed("loss 0.51")], DiffRules(tolerance=0.1))
    assert (diff.state, diff.state.is_change) == (OutputState.CLOSE, False)
    (table,) = diff_outputs(
        [shown("text/html", TABLE.format(1.0))], [shown("text/html", TABLE.format(1.01))], DiffRules(tolerance=0.1)
    )
    assert table.state is OutputState.CLOSE


def test_large_outputs_are_compared_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_COMPARED_BYTES", 10)
    before, after = [printed("a" * 20)], [printed("b" * 20)]
    (diff,) = diff_outputs(before, after, USUAL)
    assert (diff.state, diff.detail, diff.state.is_change) == (OutputState.NOT_COMPARED, None, True)
    assert diff.to_json()["before"] == {"kind": "stdout", "size_bytes": 20, "digest": before[0].digest}
    (same,) = diff_outputs(before, before, USUAL)
    assert same.state is OutputState.UNCHANGED
    (asked,) = diff_outputs(before, after, DiffRules(is_thorough=True))
    assert asked.state is OutputState.CHANGED


def test_outputs_are_paired_by_what_is_the_same_and_then_by_kind() -> None:
    red, blue, green = (shown("image/png", picture(colour)) for colour in ("red", "blue", "green"))
    found = diff_outputs([printed("a"), red, blue], [green, printed("b"), red, blue], USUAL)
    assert [(one.kind, one.state.value) for one in found] == [
        ("image/png", "added"),
        ("stdout", "changed"),
        ("image/png", "unchanged"),
        ("image/png", "unchanged"),
    ]


def test_an_error_is_no_other_output() -> None:
    error = Shown(kind=ERROR, formats={TEXT: "ValueError: no"}, error="ValueError: no")
    found = diff_outputs([printed("a")], [error], USUAL)
    assert [(one.kind, one.state.value) for one in found] == [("stdout", "removed"), ("error", "added")]


OUTPUTS = st.lists(
    st.sampled_from(
        [printed("a"), printed("b"), printed("at 0x7f11"), printed("at 0x7f22"), shown("text/html", TABLE.format(1))]
    ),
    max_size=5,
)


@given(OUTPUTS)
def test_outputs_do_not_differ_from_themselves(outputs: list[Shown]) -> None:
    assert {one.state for one in diff_outputs(outputs, list(outputs), USUAL)} <= {OutputState.UNCHANGED}


@given(OUTPUTS, OUTPUTS)
def test_every_output_is_told_once(before: list[Shown], after: list[Shown]) -> None:
    found = diff_outputs(before, after, USUAL)
    assert [one.before for one in found if one.before] == before
    assert [one.after for one in found if one.after] == after
