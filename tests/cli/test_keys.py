from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("own_keys", "in_copy")


def test_a_key_is_made_listed_trusted_and_revoked(nightbook: Callable[..., Any], in_copy: Path) -> None:
    assert "nightbook keys create" in nightbook("keys", "list").err
    made = nightbook("keys", "create", "דנה כהן", "--no-passphrase")
    assert made.code == 0
    assert "nightbook keys trust" in made.err
    trusted = nightbook("keys", "trust", "--role", "lead", "--until", "2099-01-01")
    assert "is in nightbook-trust.toml as lead" in trusted.out
    document = nightbook("keys", "list", "--json").document
    assert [one["name"] for one in document["own"]] == ["דנה כהן"]
    (entry,) = document["trusted"]
    assert (entry["roles"], entry["counts"], entry["until"]) == (["lead"], True, "2099-01-01T00:00:00.000Z")
    assert "דנה כהן" in nightbook("keys", "list").out
    revoked = nightbook("keys", "revoke", "דנה כהן", "-m", "left")
    assert revoked.code == 0
    assert nightbook("keys", "list", "--json").document["trusted"][0]["reason"] == "left"
    assert "was revoked on" in nightbook("keys", "list").out


def test_a_colleagues_key_is_trusted_by_its_line_or_file(nightbook: Callable[..., Any], tmp_path: Path) -> None:
    first = nightbook("keys", "create", "Mara", "--no-passphrase", "--json").document
    second = nightbook("keys", "create", "Zoe", "--no-passphrase", "--json").document
    assert nightbook("keys", "trust", f"{first['public_key']} Mara", "--from", "2026-01-01").code == 0
    (tmp_path / "zoe.pub").write_text(str(second["public_key"]), encoding="utf-8")
    assert "is no name for a key" in nightbook("keys", "trust", str(tmp_path / "zoe.pub"), "--name", "Zo\u202ee").err
    assert nightbook("keys", "trust", str(tmp_path / "zoe.pub"), "--name", "Zoë").code == 0
    document = nightbook("keys", "list", "--json").document
    assert [(one["name"], one["users"]) for one in document["trusted"]] == [("Mara", []), ("Zoë", [])]
    again = nightbook("keys", "trust", str(tmp_path / "zoe.pub"))
    assert (again.code, "is trusted already" in again.err) == (2, True)


def test_a_passphrase_is_needed_unless_one_says_otherwise(nightbook: Callable[..., Any], tmp_path: Path) -> None:
    assert "nobody is here to type it" in nightbook("keys", "create", "Mara").err
    (tmp_path / "passphrase").write_text("hush\n", encoding="utf-8")
    assert nightbook("keys", "create", "Mara", "--passphrase-file", str(tmp_path / "passphrase")).code == 0
