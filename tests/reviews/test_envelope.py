from __future__ import annotations

import json
from typing import Any

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.canonical import canonical_json
from nightbook.reviews.envelope import PAYLOAD_TYPE, read_envelope, sign, signer_of, verified_payload


def test_what_was_signed_comes_out(keys: Any) -> None:
    mara, dana = keys
    envelope = read_envelope(sign(b"words", mara))
    assert envelope.payload_type == PAYLOAD_TYPE
    assert signer_of(envelope) == mara.public.key_id
    assert verified_payload(envelope, mara.public) == b"words"
    with pytest.raises(ReviewRefusedError, match="the signature is not that of דנה"):
        verified_payload(envelope, dana.public)


def test_a_signature_serves_for_no_other_payload(keys: Any) -> None:
    document = json.loads(sign(b"words", keys[0]))
    document["payload"] = json.loads(sign(b"other", keys[0]))["payload"]
    with pytest.raises(ReviewRefusedError, match="the signature is not that of Mara"):
        verified_payload(read_envelope(canonical_json(document).decode()), keys[0].public)


def test_two_signatures_a_field_more_or_another_type_are_refused(keys: Any) -> None:
    plain = json.loads(sign(b"words", keys[0]))
    other = json.loads(sign(b"words", keys[1]))
    altered: list[dict[str, object]] = [
        plain | {"signatures": plain["signatures"] + other["signatures"]},
        plain | {"signatures": plain["signatures"] * 2},
        plain | {"signatures": []},
        plain | {"more": 1},
        plain | {"payloadType": "text/plain"},
        plain | {"payload": 5},
        plain | {"signatures": None},
        {},
    ]
    for changed in altered:
        with pytest.raises(ReviewRefusedError, match="the envelope was altered"):
            read_envelope(canonical_json(changed).decode())
