"""Takes secrets out of whatever is about to be written."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

REDACTED = "[redacted]"


class Redactor:
    """Replaces secret values, also in the forms in which programs show them (repr, JSON, URL, base64).

    The values live in this object only and are never part of its repr.
    """

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first, so that a secret that contains another leaves no remainder.
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def json(self, value: object) -> object:
        """The JSON value with every string in it redacted, keys included."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        return value


def _forms(secret: str) -> set[str]:
    lines = [line for line in secret.splitlines() if len(line.strip()) >= 4]  # noqa: PLR2004 - shorter lines are no secret of their own
    stripped = secret.strip()
    forms = {secret, stripped, *lines}
    for value in (secret, stripped):
        forms |= {
            repr(value)[1:-1],
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            quote(value, safe=""),
            quote_plus(value),
            base64.b64encode(value.encode()).decode(),
            base64.urlsafe_b64encode(value.encode()).decode(),
        }
    return {form for form in forms if form}
