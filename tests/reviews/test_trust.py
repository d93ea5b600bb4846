from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.errors import TrustError
from nightbook.reviews.trust import TRUST_FILE, TrustedKey, load_trust, read_trust, with_key, with_revocation

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def text(keys: Any, tmp_path: Path) -> str:
    """A list with Mara and דנה, until 2027."""
    mara, dana = keys
    (tmp_path / TRUST_FILE).write_text(with_key(tmp_path, TrustedKey(public=mara.public, roles=("lead",), start=START)))
    until = datetime(2027, 1, 1, tzinfo=UTC)
    entry = TrustedKey(public=dana.public, roles=("reviewer",), users=("dana",), start=START, until=until)
    written = with_key(tmp_path, entry)
    (tmp_path / TRUST_FILE).write_text(written, encoding="utf-8")
    return written


def test_without_a_file_nobody_is_trusted(tmp_path: Path) -> None:
    assert load_trust(tmp_path).keys == ()


def test_what_was_written_is_read(text: str, keys: Any, tmp_path: Path) -> None:
    mara, dana = load_trust(tmp_path).keys
    assert (mara.name, mara.roles, mara.users, mara.until) == ("Mara Lind", ("lead",), (), None)
    assert (dana.name, dana.users) == ("דנה כהן", ("dana",))
    assert dana.public.key_id == keys[1].public.key_id


def test_trust_has_a_beginning_and_an_end(text: str) -> None:
    trust = read_trust(text)
    dana = trust.keys[1]
    assert "only from 2026-01-01" in dana.refusal(START - timedelta(seconds=1))
    assert dana.refusal(START) == ""
    assert "only until 2027-01-01" in dana.refusal(datetime(2027, 1, 1, tzinfo=UTC))
    assert trust.people(START) == {"Mara Lind", "דנה כהן"}
    assert trust.people(datetime(2028, 1, 1, tzinfo=UTC)) == {"Mara Lind"}


def test_a_key_stands_there_once(text: str, keys: Any, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="the key of Mara Lind is trusted already"):
        with_key(tmp_path, TrustedKey(public=keys[0].public, roles=("lead",), start=START))


def test_a_revocation_changes_one_entry_and_keeps_the_rest_as_it_is(text: str, tmp_path: Path) -> None:
    commented = text.replace("[[keys]]", "# a remark\n[[keys]]", 1)
    (tmp_path / TRUST_FILE).write_text(commented, encoding="utf-8")
    changed, key = with_revocation(tmp_path, "Mara Lind", 'laptop "stolen"\n', START)
    assert key.refusal(START) == 'the key of Mara Lind was revoked on 2026-01-01: laptop "stolen"\n'
    assert [line for line in commented.splitlines() if line not in changed.splitlines()] == []
    assert read_trust(changed).people(START) == {"דנה כהן"}
    (tmp_path / TRUST_FILE).write_text(changed, encoding="utf-8")
    with pytest.raises(TrustError, match="was revoked on"):
        with_revocation(tmp_path, "Mara Lind", "again", START)


def test_who_is_unknown_or_ambiguous_is_not_revoked(text: str, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"no key in nightbook-trust\.toml is that of 'Mara Lint'") as caught:
        with_revocation(tmp_path, "Mara Lint", "x", START)
    assert caught.value.remedy == "did you mean 'Mara Lind'?"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "Mara Lind"\n', "", "entry 1 of nightbook-trust.toml: 'name' is missing"),
        (
            "users = []",
            "user = []",
            "entry 1 (Mara Lind) of nightbook-trust.toml: unknown 'user'; did you mean 'users'?",
        ),
        ('roles = ["lead"]', 'roles = "lead"', "'roles' must be a list of texts"),
        ("ssh-ed25519 ", "ssh-rsa ", "its public_key is no Ed25519 public key"),
        ('key_id = "', 'key_id = "0', "its key_id is not that of its public_key"),
        ("from = 2026-01-01T00:00:00Z", "from = 2026-01-01", "'from' must be a time with its zone"),
        ("users = []", "revoked = 2026-01-01T00:00:00Z", "'revoked' and 'reason' go together"),
        ("Mara Lind", "Mara\\u202eLind", "U+202E"),
        ("[[keys]]", "[[key]]", "holds [[keys]] and nothing else"),
        ("[[keys]]", "[[keys]", "is not valid TOML"),
    ],
)
def test_a_mistake_names_its_entry(text: str, old: str, new: str, words: str) -> None:
    with pytest.raises(TrustError) as caught:
        read_trust(text.replace(old, new, 1))
    assert words in caught.value.message


def test_a_key_that_stands_there_twice_is_a_mistake(text: str) -> None:
    entry = text.partition("[[keys]]")[2].partition("[[keys]]")[0]
    with pytest.raises(TrustError, match=r"entry 3 \(Mara Lind\).*stands there twice"):
        read_trust(f"{text}\n[[keys]]{entry}")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / TRUST_FILE).write_bytes(b"\xff")
    with pytest.raises(TrustError, match="cannot be read"):
        load_trust(tmp_path)
