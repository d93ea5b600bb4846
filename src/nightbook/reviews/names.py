"""Names of people: any script, but nothing that could make one name look like another."""

from __future__ import annotations

import unicodedata

# They turn the direction of the text around them, and so can make a name read as another one.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _END = "\u2068", "\u2069"
LENGTH_MAX = 100


def normal_name(name: str) -> str:
    """The form by which names are compared and kept: composed, with single spaces.

    Raises:
        ValueError: It cannot be a name; the message says why.
    """
    normal = " ".join(unicodedata.normalize("NFC", name).split())
    if not normal:
        raise ValueError("a name cannot be empty")
    if len(normal) > LENGTH_MAX:
        raise ValueError(f"a name has at most {LENGTH_MAX} characters")
    unseen = [one for one in normal if one in _TURNING or unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"}]
    if unseen:
        raise ValueError(f"a name cannot hold the invisible character U+{ord(unseen[0]):04X}")
    return normal


def shown_name(name: str) -> str:
    """For a line of text: a name that runs from right to left is kept from turning what stands beside it."""
    if any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in name):
        return f"{_ISOLATE}{name}{_END}"
    return name
