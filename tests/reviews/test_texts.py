from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.noise import Noise
from nightbook.reviews.rules import EXACT, USUAL, DiffRules
from nightbook.reviews.texts import LineKind, diff_texts, printed, similarity

LINES = st.lists(st.sampled_from(["loss 0.5", "loss 0.25", "at 0x7f11", "at 0x7f22", "", "done", "x = 1"]), max_size=12)
TEXTS = st.one_of(LINES.map("\n".join), st.text(max_size=40))


def kinds(before: str, after: str, rules: DiffRules = USUAL) -> list[LineKind]:
    return [line.kind for line in diff_texts(before, after, rules).lines]


def test_the_words_that_differ_are_marked() -> None:
    (line,) = diff_texts("fitted with ridge", "fitted with lasso", USUAL).changes
    assert line.before
    assert line.after
    assert (line.before.spans, line.after.spans) == (((12, 17),), ((12, 17),))


def test_a_changed_number_is_measured() -> None:
    diff = diff_texts("epochs 3\nloss 0.5", "epochs 3\nloss 0.25", USUAL)
    assert [line.kind for line in diff.lines] == [LineKind.SAME, LineKind.CHANGED]
    (number,) = diff.lines[1].numbers
    assert number.in_words() == "−0.25, −50%"
    assert diff.to_json() == {
        "type": "text",
        "lines": [
            {
                "kind": "changed", "line_before": 2, "line_after": 2, "before": "loss 0.5", "after": "loss 0.25",
                "numbers": [{"before": 0.5, "after": 0.25, "absolute": -0.25, "relative": -0.5}],
            }
        ],
    }  # fmt: skip


def test_a_tolerance_is_for_numbers_only() -> None:
    rules = DiffRules(tolerance=0.1)
    assert kinds("loss 0.50", "loss 0.51", rules) == [LineKind.CLOSE]
    assert kinds("loss 0.50", "loss 0.61", rules) == [LineKind.CHANGED]
    assert kinds("loss 0.50", "cost 0.50", rules) == [LineKind.CHANGED]


def test_the_same_number_printed_otherwise_is_a_change_without_a_tolerance() -> None:
    assert kinds("1.0", "1.00") == [LineKind.CHANGED]
    assert kinds("9007199254740993", "9007199254740992") == [LineKind.CHANGED]


def test_noise_is_counted_and_may_be_shown() -> None:
    before, after = "<A at 0x7f11>\nrest", "<A at 0x7f22>\nrest"
    diff = diff_texts(before, after, USUAL)
    assert (diff.is_changed, diff.noise) == (False, {Noise.ADDRESS: 1})
    assert [line.kind for line in diff.lines] == [LineKind.NOISE, LineKind.SAME]
    assert diff_texts(before, after, EXACT).is_changed


def test_colours_and_what_was_overwritten_are_noise() -> None:
    diff = diff_texts("\x1b[31mred\x1b[0m\n10%\r100%", "red\n100%", USUAL)
    assert (diff.is_changed, diff.noise) == (False, {Noise.TERMINAL: 1})
    shown = diff_texts("\x1b[31mred", "red", EXACT)
    assert shown.changes[0].before
    assert shown.changes[0].before.text == "\\x1b[31mred"


def test_lines_that_have_nothing_in_common_are_no_pair() -> None:
    assert kinds("alpha beta", "seven eight nine") == [LineKind.REMOVED, LineKind.ADDED]
    assert kinds("a\nb\nc", "a\nc") == [LineKind.SAME, LineKind.REMOVED, LineKind.SAME]


def test_nothing_that_a_terminal_acts_upon_is_left() -> None:
    assert printed("\x1b]0;title\x07a\x9b31m\ud800") == "a\\x9b31m?"


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    diff = diff_texts(text, text, USUAL)
    assert not diff.is_changed
    assert not diff.noise


@given(LINES, LINES)
def test_either_text_can_be_read_from_the_difference(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before), "\n".join(after)
    diff = diff_texts(old, new, USUAL)
    assert "\n".join(line.before.text for line in diff.lines if line.before) == old
    assert "\n".join(line.after.text for line in diff.lines if line.after) == new


@given(TEXTS, TEXTS)
def test_whether_texts_differ_goes_both_ways(before: str, after: str) -> None:
    assert diff_texts(before, after, USUAL).is_changed == diff_texts(after, before, USUAL).is_changed
    assert diff_texts(before, after, EXACT).is_changed == (before != after)
    assert similarity(before, after) == similarity(after, before)
