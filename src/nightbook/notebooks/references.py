"""Secrets are passed around as references, `env:NAME` or `file:PATH`; only `reveal` turns one into its value."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nightbook.errors import SecretError

_REFERENCE = re.compile(r"(env):([A-Za-z_][A-Za-z0-9_]*)|(file):([^\0]+)")
_SHORTEST = 4


def is_reference(text: str) -> bool:
    """True for `env:NAME` and `file:PATH`, whether or not there is anything behind it."""
    return _REFERENCE.fullmatch(text) is not None


def reveal(reference: str) -> str:
    """Give a secret's value, in the process that calls and nowhere else; a file's last line break is dropped.

    Args:
        reference: `env:NAME` for an environment variable, `file:PATH` for a text file (relative to the
            notebook's folder).

    Raises:
        SecretError: The reference is malformed, leads nowhere, or leads to a value too short to be redacted.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        # The text is not repeated: it may be the secret itself.
        message = "this is no reference to a secret"
        raise SecretError(message, remedy="write env:NAME or file:PATH")
    value = _from_environment(match[2]) if match[1] else _from_file(match[4])
    if len(value) < _SHORTEST:
        message = f"the secret behind {reference} has fewer than {_SHORTEST} characters and could not be redacted"
        raise SecretError(message, remedy="use a longer secret")
    return value


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        message = f"the environment variable {name} is not set"
        raise SecretError(message, remedy=f"export {name}=…")
    return value


def _from_file(place: str) -> str:
    try:
        return Path(place).expanduser().read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError, RuntimeError) as error:
        unreadable = "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else "there is no such place"
        reason = error.strerror if isinstance(error, OSError) else unreadable
        message = f"the secret in {place} cannot be read: {reason}"
        raise SecretError(message, remedy="name a text file that holds the secret alone") from None
