from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SecretError
from nightbook.notebooks.references import is_reference, reveal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["env:TOKEN", "env:_a1", "file:/run/secrets/token", "file:~/my token"])
def test_references_are_told_from_values(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text", ["", "env:", "env:A-B", "env:1A", "file:", "ENV:TOKEN", "hunter2", "vault:x", "env:A\n"]
)
def test_other_texts_are_no_references(text: str) -> None:
    assert not is_reference(text)


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_TOKEN", "s3cret value")
    assert reveal("env:WAREHOUSE_TOKEN") == "s3cret value"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_comes_from_a_file_without_its_last_line_break(tmp_path: Path, ending: str) -> None:
    (tmp_path / "token").write_bytes(b"two\nlines" + ending.encode())
    assert reveal(f"file:{tmp_path / 'token'}") == "two\nlines"


def test_a_reference_that_leads_nowhere_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_TOKEN", raising=False)
    with pytest.raises(SecretError, match="WAREHOUSE_TOKEN is not set") as caught:
        reveal("env:WAREHOUSE_TOKEN")
    assert caught.value.remedy == "export WAREHOUSE_TOKEN=…"
    with pytest.raises(SecretError, match="No such file"):
        reveal(f"file:{tmp_path / 'token'}")
    (tmp_path / "token").write_bytes(b"\xff\xff\xff\xff")
    with pytest.raises(SecretError, match="no UTF-8 text"):
        reveal(f"file:{tmp_path / 'token'}")


def test_a_secret_too_short_to_be_redacted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIN", "123")
    with pytest.raises(SecretError, match="fewer than 4 characters"):
        reveal("env:PIN")


def test_a_value_in_place_of_a_reference_is_not_repeated() -> None:
    with pytest.raises(SecretError) as caught:
        reveal("hunter2hunter2")
    assert "hunter2" not in caught.value.message + caught.value.remedy


@pytest.mark.parametrize("reference", ["file:~nobody-of-that-name/token", "file:\ud800"])
def test_a_place_that_cannot_be_is_told_as_any_other(reference: str) -> None:
    with pytest.raises(SecretError, match="cannot be read"):
        reveal(reference)
