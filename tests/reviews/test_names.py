from __future__ import annotations

import pytest

from nightbook.reviews.names import normal_name, shown_name


@pytest.mark.parametrize("name", ["Mara Lind", "דנה כהן", "محمد علی‌زاده", "山田 太郎", "Zoë"])
def test_a_name_of_any_script_stays(name: str) -> None:
    assert normal_name(name) == name


def test_one_name_has_one_form() -> None:
    assert normal_name("  Zoe\u0308  B. ") == "Zoë B."


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "cannot be empty"),
        ("Mara\u202edniL", r"U\+202E"),
        ("Mara\x1b[31m", r"U\+001B"),
        ("x" * 101, "at most 100"),
        ("\ud800", r"U\+D800"),
    ],
)
def test_what_could_make_a_name_look_like_another_is_refused(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        normal_name(name)


def test_a_name_from_right_to_left_turns_nothing_beside_it() -> None:
    assert shown_name("Mara") == "Mara"
    assert shown_name("דנה") == "\u2068דנה\u2069"
