"""Signed statements as DSSE envelopes: one signature, and one spelling, so that no byte may differ."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.canonical import canonical_json, read_canonical

if TYPE_CHECKING:
    from nightbook.reviews.keys import PublicKey, SigningKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_WHAT = "the envelope"


def sign(statement: bytes, key: SigningKey) -> str:
    """The envelope of a statement, as one line of JSON."""
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    envelope.sign(key.signer)
    return canonical_json(envelope.to_dict()).decode()


def read_envelope(text: str) -> Envelope:
    """Read an envelope of ours, without believing it.

    Raises:
        ReviewRefusedError: It is none, or not written as `sign` writes it.
    """
    document = read_canonical(text.encode("utf-8", "surrogatepass"), _WHAT)
    try:
        # It takes apart what it is given.
        envelope = Envelope.from_dict(json.loads(text))
        is_ours = canonical_json(envelope.to_dict()).decode() == text
    except (Error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReviewRefusedError(f"{_WHAT} was altered: it is no DSSE envelope") from error
    if not is_ours or len(envelope.signatures) != 1 or envelope.payload_type != PAYLOAD_TYPE:
        raise ReviewRefusedError(
            f"{_WHAT} was altered: it holds {', '.join(sorted(document))}, not one signed statement"
        )
    return envelope


def signer_of(envelope: Envelope) -> str:
    """The id of the key that the envelope says it was signed with."""
    return str(next(iter(envelope.signatures)))


def verified_payload(envelope: Envelope, key: PublicKey) -> bytes:
    """What was signed.

    Raises:
        ReviewRefusedError: The signature is not this key's, or not over these bytes.
    """
    try:
        envelope.verify([key.key], 1)
    except (Error, ValueError) as error:
        raise ReviewRefusedError(f"the signature is not that of {key.name} over this statement") from error
    return bytes(envelope.payload)
