from __future__ import annotations

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.canonical import canonical_json, read_canonical, sha256


def test_equal_documents_have_equal_bytes() -> None:
    assert canonical_json({"b": [1, "ä"], "a": None}) == '{"a":null,"b":[1,"ä"]}'.encode()
    assert canonical_json({"a": None, "b": [1, "ä"]}) == canonical_json({"b": [1, "ä"], "a": None})


def test_what_was_written_is_read() -> None:
    assert read_canonical(b'{"a":1}', "it") == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b"[1]",
        b"{",
        b"\xff",
        b'{"a":NaN}',
        b"[" * 100_000,
    ],
)
def test_any_other_spelling_is_refused(content: bytes) -> None:
    with pytest.raises(ReviewRefusedError, match="the letter was altered"):
        read_canonical(content, "the letter")


def test_digests_are_hexadecimal() -> None:
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
