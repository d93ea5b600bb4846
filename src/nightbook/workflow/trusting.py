"""Put keys on the project's trust list, and take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.errors import TrustError
from nightbook.files import write_atomically
from nightbook.reviews.trust import TRUST_FILE, with_key, with_revocation

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from nightbook.reviews.trust import TrustedKey
    from nightbook.settings import Settings


def trust(settings: Settings, key: TrustedKey) -> Path:
    """Add a key; whether it stays is decided where the file's change is reviewed.

    Raises:
        TrustError: It is on the list already, or the list cannot be read.
    """
    if not key.roles:
        raise TrustError(f"{key.name} needs a role", remedy="--role reviewer")
    path = settings.root / TRUST_FILE
    write_atomically(path, with_key(settings.root, key).encode())
    return path


def revoke(settings: Settings, wanted: str, reason: str, at: datetime) -> TrustedKey:
    """Take a key back: nothing that it signed counts any more.

    Raises:
        TrustError: There is no such key, there are several, or it was revoked before.
    """
    if not reason.strip():
        raise TrustError("a revocation needs its reason", remedy="-m TEXT")
    text, key = with_revocation(settings.root, wanted, reason.strip(), at)
    write_atomically(settings.root / TRUST_FILE, text.encode())
    return key
