from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nightbook.errors import LedgerError, StorageError
from nightbook.runs.database import database_clock, open_engine

if TYPE_CHECKING:
    from pathlib import Path


def test_a_ledger_is_made_with_its_folder_and_found_again(ledger_url: str) -> None:
    for _ in range(2):
        engine = open_engine(ledger_url)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM runs")) == 0
        engine.dispose()


def test_a_ledger_that_must_exist_is_not_made(ledger_url: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger at"):
        open_engine(ledger_url, create=False)
    assert not (tmp_path / "state").exists()


def test_a_ledger_of_a_newer_program_is_refused(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '99' WHERE name = 'schema_version'"))
    engine.dispose()
    with pytest.raises(LedgerError, match="written by a newer Nightbook") as caught:
        open_engine(ledger_url)
    assert caught.value.remedy == "pip install --upgrade nightbook"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("no url", "'no url' is no database URL"),
        ("sqlite://", "a ledger in memory would be forgotten"),
        ("sqlite:///:memory:", "a ledger in memory would be forgotten"),
        ("mysql://db/ledger", "a ledger cannot be kept in mysql"),
    ],
)
def test_a_url_that_can_hold_no_ledger_is_explained(url: str, message: str) -> None:
    with pytest.raises(LedgerError, match=message):
        open_engine(url)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database at all, but long enough to be read as one")
    with pytest.raises(LedgerError, match=r"ledger\.sqlite cannot be used: file is not a database"):
        open_engine(f"sqlite:///{tmp_path}/ledger.sqlite")


def test_a_server_that_is_away_is_an_error_without_its_password() -> None:
    with pytest.raises(LedgerError, match=r"postgresql://ada:\*\*\*@127\.0\.0\.1:9/ledger") as caught:
        open_engine("postgresql://ada:pa55word@127.0.0.1:9/ledger")
    assert "pa55word" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the folder of the ledger cannot be written"):
        open_engine(f"sqlite:///{tmp_path}/file/ledger.sqlite")


def test_the_clock_is_the_databases_and_goes_on_within_a_transaction(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    with engine.begin() as connection:
        first = database_clock(connection)
        assert database_clock(connection) > first > 1_700_000_000
    engine.dispose()


def test_a_ledger_from_before_reviews_gets_their_table_and_keeps_what_it_holds(ledger_url: str) -> None:
    engine = open_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE reviews"))
        connection.execute(text("UPDATE meta SET value = '1' WHERE name = 'schema_version'"))
        connection.execute(text("INSERT INTO meta (name, value) VALUES ('kept', 'yes')"))
    engine.dispose()
    # Who only looks changes nothing.
    engine = open_engine(ledger_url, create=False)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT value FROM meta WHERE name = 'schema_version'")) == "1"
    engine.dispose()
    for _ in range(2):
        engine = open_engine(ledger_url)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM reviews")) == 0
            assert connection.scalar(text("SELECT value FROM meta WHERE name = 'kept'")) == "yes"
            assert connection.scalar(text("SELECT value FROM meta WHERE name = 'schema_version'")) == "2"
        engine.dispose()
