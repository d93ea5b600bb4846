from __future__ import annotations

import pytest

from nightbook.errors import LedgerAwayError, LedgerError, StorageError
from nightbook.runs import patience
from nightbook.runs.patience import patiently


@pytest.mark.parametrize("error", [LedgerAwayError("it is away"), StorageError("its disk is full")])
def test_a_ledger_that_is_away_for_a_while_is_asked_until_it_answers(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    answers = iter([error, error, error])

    def ask() -> str:
        for answer in answers:
            raise answer
        return "here"

    assert patiently(ask) == "here"


def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(patience, "LEDGER_PATIENCE_SECONDS", 0)

    def ask() -> None:
        raise LedgerAwayError("it is away for good")

    with pytest.raises(LedgerAwayError, match="away for good"):
        patiently(ask)


def test_what_no_waiting_mends_is_told_at_once() -> None:
    asked = []

    def ask() -> None:
        asked.append(1)
        raise LedgerError("a newer program wrote it")

    with pytest.raises(LedgerError, match="newer program"):
        patiently(ask)
    assert len(asked) == 1
