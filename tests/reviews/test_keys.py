from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nightbook.errors import SigningKeyError, StorageError
from nightbook.reviews.envelope import read_envelope, sign, verified_payload
from nightbook.reviews.keys import KeyFolder, read_public_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "config" / "keys")


def test_a_key_is_found_again_and_signs(folder: KeyFolder) -> None:
    made = folder.create("Mara Lind", "hush hush")
    found = folder.find("")
    assert (found.name, found.key_id, found.text) == (made.name, made.key_id, made.text)
    key = folder.unlock(found, "hush hush")
    assert verified_payload(read_envelope(sign(b"words", key)), made) == b"words"


def test_a_private_key_is_encrypted_and_its_owners_alone(folder: KeyFolder) -> None:
    made = folder.create("Mara", "hush hush")
    (private,) = folder.folder.glob("*.pem")
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert folder.is_encrypted(made)
    if sys.platform != "win32":
        assert private.stat().st_mode & 0o777 == 0o600
        assert folder.folder.stat().st_mode & 0o777 == 0o700
        private.chmod(0o644)
        with pytest.raises(SigningKeyError, match="others may read") as caught:
            folder.unlock(made, "hush hush")
        assert caught.value.remedy.startswith("chmod 600")


def test_a_wrong_or_missing_passphrase_is_said(folder: KeyFolder) -> None:
    made = folder.create("Mara", "hush")
    with pytest.raises(SigningKeyError, match="wrong passphrase for the key of Mara"):
        folder.unlock(made, "hash")
    with pytest.raises(SigningKeyError, match="needs its passphrase"):
        folder.unlock(made, None)
    with pytest.raises(SigningKeyError, match="an empty passphrase"):
        folder.create("Mara", " ")


def test_a_key_without_passphrase_needs_none(folder: KeyFolder) -> None:
    made = folder.create("Mara", None)
    assert not folder.is_encrypted(made)
    assert folder.unlock(made, None).public == made
    assert folder.unlock(made, "superfluous").public == made


def test_which_key_is_meant_is_asked_and_named(folder: KeyFolder) -> None:
    with pytest.raises(SigningKeyError, match="you have no signing key yet") as caught:
        folder.find("")
    assert caught.value.remedy == "nightbook keys create"
    mara, dana = folder.create("Mara", None), folder.create("דנה", None)
    assert folder.find("דנה") == dana
    assert folder.find(mara.key_id[:8]) == mara
    with pytest.raises(SigningKeyError, match="you have several keys"):
        folder.find("")
    with pytest.raises(SigningKeyError, match="no key of yours is 'Zoe'"):
        folder.find("Zoe")


def test_a_private_key_that_is_gone_swapped_or_broken_is_named(folder: KeyFolder) -> None:
    mara, dana = folder.create("Mara", None), folder.create("Dana", None)
    place, other = (folder.folder / f"{one.key_id[:16]}.pem" for one in (mara, dana))
    place.write_bytes(other.read_bytes())
    with pytest.raises(SigningKeyError, match="is not the key of Mara"):
        folder.unlock(mara, None)
    place.write_bytes(b"nonsense")
    with pytest.raises(SigningKeyError, match="cannot read the key of Mara"):
        folder.unlock(mara, None)
    place.unlink()
    with pytest.raises(SigningKeyError, match="cannot be read: No such file"):
        folder.unlock(mara, None)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        KeyFolder(tmp_path / "file" / "keys").create("Mara", None)


def test_only_ed25519_is_a_key() -> None:
    rsa = generate_private_key(65537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for text in (rsa, "", "ssh-ed25519 nonsense Mara"):
        with pytest.raises(SigningKeyError, match="here is no Ed25519 public key"):
            read_public_key(text, "here")
