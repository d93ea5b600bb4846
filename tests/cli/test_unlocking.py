from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightbook.cli.unlocking import given_passphrase, key_folder, unlocked_key
from nightbook.errors import SigningKeyError
from nightbook.reviews.trust import TrustedKey, TrustList

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTBOOK_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_keys_are_where_the_system_keeps_configuration(own_keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_folder().folder == own_keys
    monkeypatch.delenv("NIGHTBOOK_KEYS")
    assert key_folder().folder.parts[-2:] == ("nightbook", "keys")


def test_a_passphrase_comes_from_a_file_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given_passphrase(None) is None
    monkeypatch.setenv("NIGHTBOOK_PASSPHRASE", "from outside")
    assert given_passphrase(None) == "from outside"
    (tmp_path / "passphrase").write_text("größer als zwei \n", encoding="utf-8")
    assert given_passphrase(tmp_path / "passphrase") == "größer als zwei "


def test_where_nobody_can_type_it_is_said_how_else(monkeypatch: pytest.MonkeyPatch) -> None:
    key_folder().create("Mara", "hush")
    with pytest.raises(SigningKeyError, match="Passphrase of Mara: nobody is here to type it") as caught:
        unlocked_key("", None, TrustList())
    assert "--passphrase-file" in caught.value.remedy
    monkeypatch.setenv("NIGHTBOOK_PASSPHRASE", "hush")
    assert unlocked_key("Mara", None, TrustList()).public.name == "Mara"


def test_what_is_typed_unlocks(monkeypatch: pytest.MonkeyPatch) -> None:
    key_folder().create("Mara", "hush")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "hush")
    assert unlocked_key("", None, TrustList()).public.name == "Mara"


def test_a_key_without_passphrase_asks_for_none() -> None:
    key_folder().create("Mara", None)
    assert unlocked_key("", None, TrustList()).public.name == "Mara"


def test_of_several_keys_the_trusted_one_is_meant() -> None:
    key_folder().create("Old", None)
    new = key_folder().create("New", None)
    with pytest.raises(SigningKeyError, match="you have several keys"):
        unlocked_key("", None, TrustList())
    start = datetime(2026, 1, 1, tzinfo=UTC)
    trust = TrustList(keys=(TrustedKey(public=new, roles=("reviewer",), start=start),))
    assert unlocked_key("", None, trust).public.name == "New"
