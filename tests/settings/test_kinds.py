from __future__ import annotations

import os

import pytest

from nightbook.errors import SettingsError
from nightbook.settings.kinds import SETTINGS, Kind, checked, from_text, kind_of


def test_text_from_the_environment_becomes_what_the_setting_needs() -> None:
    assert from_text(Kind.WHOLE, "4", "X") == 4
    assert from_text(Kind.SECONDS, "0.5", "X") == 0.5
    assert from_text(Kind.LIST, os.pathsep.join(["a", "b"]), "X") == ("a", "b")
    assert from_text(Kind.TEXT, "007", "X") == "007"
    assert [from_text(Kind.SWITCH, text, "X") for text in ("true", "false")] == [True, False]


@pytest.mark.parametrize("kind", [Kind.SECONDS, Kind.WHOLE])
@pytest.mark.parametrize("text", ["nan", "-1", "soon"])
def test_a_number_that_is_none_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(SettingsError, match="X must be"):
        from_text(kind, text, "X")


def test_a_switch_is_on_or_off() -> None:
    with pytest.raises(SettingsError, match="X must be true or false, not '1'"):
        from_text(Kind.SWITCH, "1", "X")


def test_lists_become_tuples_and_other_values_stay() -> None:
    assert checked(Kind.LIST, ["a"], "x") == ("a",)
    assert checked(Kind.VALUES, {"a": 1}, "x") == {"a": 1}


def test_an_unknown_setting_far_from_all_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError) as caught:
        kind_of("zzz", SETTINGS, "here")
    assert caught.value.remedy.startswith("known: archive_limit_bytes")
