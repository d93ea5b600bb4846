"""The one spelling of a JSON document, so that equal content has equal bytes and nothing can be read in two ways."""

from __future__ import annotations

import hashlib
import json

from nightbook.errors import ReviewRefusedError


def canonical_json(document: object) -> bytes:
    """Sorted names, no spaces, UTF-8; numbers as Python writes them, and no NaN."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def read_canonical(content: bytes, what: str) -> dict[str, object]:
    """Read an object whose every byte is as `canonical_json` writes it.

    Args:
        content: The bytes.
        what: What they are to be, for the error.

    Raises:
        ReviewRefusedError: They are no such document.
    """
    try:
        document = json.loads(content)
        if isinstance(document, dict) and canonical_json(document) == content:
            return document
    except (ValueError, RecursionError):
        pass
    raise ReviewRefusedError(f"{what} was altered: it is not written as it was signed")


def sha256(content: bytes) -> str:
    """In hexadecimal digits, as in-toto writes digests."""
    return hashlib.sha256(content).hexdigest()
