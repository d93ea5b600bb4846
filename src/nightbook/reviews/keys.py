"""A user's signing keys: Ed25519, as encrypted PKCS#8 in files that only the user may read."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined] # its __init__ re-exports them without saying so

from nightbook.errors import SigningKeyError, StorageError
from nightbook.reviews.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from securesystemslib.signer import Signer  # type: ignore[attr-defined] # as above

ID_SHOWN = 16
_PRIVATE, _PUBLIC = ".pem", ".pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """Whom a signature is checked against.

    Attributes:
        name: Whose it is.
        line: `ssh-ed25519 AAAA…`, without the name.
        key: The same for securesystemslib.
    """

    name: str
    line: str
    key: SSlibKey

    @property
    def key_id(self) -> str:
        """SHA-256 of the public key, as securesystemslib computes it."""
        return str(self.key.keyid)

    @property
    def text(self) -> str:
        """The line that one gives to colleagues."""
        return f"{self.line} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that has been unlocked; it is kept in memory only."""

    public: PublicKey
    signer: Signer


class KeyFolder:
    """The folder of a user's keys: `ID.pem` is private, `ID.pub` beside it is for everyone.

    Args:
        folder: Where; it is made with the first key.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, name: str, passphrase: str | None) -> PublicKey:
        """Draw a new key.

        Args:
            name: Whose it is.
            passphrase: What encrypts it; None leaves it readable for whoever reads the file.

        Raises:
            SigningKeyError: The name or the passphrase is none.
            StorageError: The folder cannot be written.
        """
        if passphrase is not None and not passphrase.strip():
            raise SigningKeyError("an empty passphrase protects nothing", remedy="type one, or say --no-passphrase")
        private = Ed25519PrivateKey.generate()
        public = _public_key(private.public_key(), _name(name))
        encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        stem = public.key_id[:ID_SHOWN]
        _write_privately(self.folder / f"{stem}{_PRIVATE}", pem)
        _write_privately(self.folder / f"{stem}{_PUBLIC}", f"{public.text}\n".encode())
        return public

    def public_keys(self) -> tuple[PublicKey, ...]:
        """The user's keys, by name.

        Raises:
            SigningKeyError: A file there is no public key.
        """
        files = sorted(self.folder.glob(f"*{_PUBLIC}"))
        return tuple(sorted((read_public_key(file.read_text("utf-8"), str(file)) for file in files), key=_by_name))

    def find(self, wanted: str, *, preferred: Collection[str] = ()) -> PublicKey:
        """The key with this name, or whose id begins so; with an empty text, the only one.

        Args:
            wanted: What was typed.
            preferred: Ids of keys that are meant where several could be, such as those that the project trusts.

        Raises:
            SigningKeyError: There is none, or there are several.
        """
        keys = self.public_keys()
        found = [one for one in keys if not wanted or wanted == one.name or one.key_id.startswith(wanted)]
        if len(found) > 1:
            found = [one for one in found if one.key_id in preferred] or found
        if len(found) == 1:
            return found[0]
        if not keys:
            raise SigningKeyError("you have no signing key yet", remedy="nightbook keys create")
        names = ", ".join(f"{one.name} ({one.key_id[:ID_SHOWN]})" for one in (found or keys))
        problem = f"no key of yours is '{wanted}'" if not found else "you have several keys"
        raise SigningKeyError(f"{problem}: {names}", remedy="--key with the start of an id")

    def is_encrypted(self, public: PublicKey) -> bool:
        """Whether a passphrase is needed to sign with it."""
        return b"ENCRYPTED" in self._read(public).partition(b"\n")[0]

    def unlock(self, public: PublicKey, passphrase: str | None) -> SigningKey:
        """Read the private key.

        Raises:
            SigningKeyError: The passphrase is wrong or missing, or the file is not there, readable for others, or none.
        """
        pem = self._read(public)
        if passphrase is None and self.is_encrypted(public):
            raise SigningKeyError(f"the key of {public.name} needs its passphrase", remedy="set NIGHTBOOK_PASSPHRASE")
        secret = passphrase.encode() if passphrase is not None and self.is_encrypted(public) else None
        try:
            private = load_pem_private_key(pem, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            what = "wrong passphrase for" if secret else "cannot read"
            raise SigningKeyError(
                f"{what} the key of {public.name} ({public.key_id[:ID_SHOWN]})", remedy="try again, or another --key"
            ) from error
        if not isinstance(private, Ed25519PrivateKey) or private.public_key() != _crypto_key(public):
            raise SigningKeyError(f"{self._file(public)} is not the key of {public.name}", remedy="nightbook keys list")
        return SigningKey(public=public, signer=CryptoSigner(private, public.key))

    def _file(self, public: PublicKey) -> Path:
        return self.folder / f"{public.key_id[:ID_SHOWN]}{_PRIVATE}"

    def _read(self, public: PublicKey) -> bytes:
        file = self._file(public)
        try:
            mode = file.stat().st_mode
            content = file.read_bytes()
        except OSError as error:
            raise SigningKeyError(f"{file} cannot be read: {error.strerror}", remedy="nightbook keys list") from error
        if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SigningKeyError(f"others may read {file}", remedy=f"chmod 600 {file}")
        return content


def read_public_key(text: str, where: str) -> PublicKey:
    """Read `ssh-ed25519 AAAA… NAME`.

    Args:
        text: The line.
        where: Its place, for the error.

    Raises:
        SigningKeyError: It is no such line, or a key of another kind.
    """
    parts = text.split(maxsplit=2)
    try:
        key = load_ssh_public_key(" ".join(parts[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError(
            f"{where} is no Ed25519 public key", remedy="ssh-ed25519 AAAA… NAME, from: nightbook keys list"
        )
    return _public_key(key, _name(parts[2]) if len(parts) > 2 else "")  # noqa: PLR2004 - kind, key, name


def _public_key(key: Ed25519PublicKey, name: str) -> PublicKey:
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return PublicKey(name=name, line=line, key=SSlibKey.from_crypto(key))


def _crypto_key(public: PublicKey) -> Ed25519PublicKey:
    key = load_ssh_public_key(public.line.encode())
    assert isinstance(key, Ed25519PublicKey)  # noqa: S101 - a `PublicKey` holds no other
    return key


def _by_name(public: PublicKey) -> tuple[str, str]:
    return public.name, public.key_id


def _name(name: str) -> str:
    try:
        return normal_name(name)
    except ValueError as error:
        raise SigningKeyError(f"'{name!r}' is no name for a key: {error}", remedy="your name") from error


def _write_privately(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}", remedy="check the folder") from error
