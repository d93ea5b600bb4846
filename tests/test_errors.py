from __future__ import annotations

import pytest

from nightbook.errors import ExitCode, LedgerError, NightbookError, ParameterError, nearest


def test_an_error_keeps_its_sentence_and_its_remedy_apart() -> None:
    error = ParameterError("unknown parameter 'lr'", remedy="did you mean 'learning_rate'?")
    assert str(error) == error.message == "unknown parameter 'lr'"
    assert error.remedy == "did you mean 'learning_rate'?"


def test_what_a_user_gets_wrong_ends_with_the_usage_code() -> None:
    assert ParameterError("x").exit_code is ExitCode.USAGE


def test_an_unreachable_ledger_has_a_code_of_its_own() -> None:
    assert LedgerError("x").exit_code is ExitCode.UNREACHABLE


def test_every_error_is_caught_by_the_root() -> None:
    with pytest.raises(NightbookError):
        raise LedgerError("x")


@pytest.mark.parametrize(
    ("name", "known", "advice"),
    [
        ("learning_rat", ["month", "learning_rate"], "did you mean 'learning_rate'?"),
        ("zzz", ["train", "collect"], "known: collect, train"),
        ("zzz", [], "there are none"),
    ],
)
def test_the_nearest_known_word_is_named(name: str, known: list[str], advice: str) -> None:
    assert nearest(name, known) == advice
