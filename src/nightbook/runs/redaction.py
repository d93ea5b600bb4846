"""Takes secrets out of whatever is about to be written."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REDACTED = "[redacted]"
_SHORTEST_LINE = 4
_SHORTEST_FORM = 4
_TELLING_PREFIX = 20


class Redactor:
    """Replaces secret values, also in the forms in which programs show them (repr, JSON, HTML, URL, base64).

    The values live in this object only and are never part of its repr.
    """

    __slots__ = ("_firsts", "_forms", "_long", "_longest")

    def __init__(self, secrets: Iterable[str]) -> None:
        kept = tuple(secrets)
        forms = {form for secret in kept for form in _forms(secret)}
        # The longest first, so that a secret that contains another leaves no remainder.
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._long = tuple(secret.strip() for secret in kept if len(secret.strip()) > _TELLING_PREFIX)
        self._firsts = frozenset(form[0] for form in self._forms)
        self._longest = max(map(len, self._forms), default=0)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        for secret in self._long:
            if secret[:_TELLING_PREFIX] in text:
                text = _without_beginnings(text, secret)
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

    def stream(self) -> StreamRedactor:
        """Redact text that comes in pieces, a secret's own pieces included."""
        return StreamRedactor(self)

    def begun_secret(self, text: str) -> int:
        """Where a secret begins of which the text's end may be the first part; the text's length when none does."""
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            if text[start] in self._firsts:
                end = text[start:]
                if any(form.startswith(end) for form in self._forms):
                    return start
        return len(text)

    def is_telling(self, text: str) -> bool:
        """Whether the beginning of a secret is so long that it gives the secret away."""
        return any(form.startswith(text) and 2 * len(text) >= len(form) for form in self._forms)


class StreamRedactor:
    """Holds back what may be the beginning of a secret until more has come."""

    __slots__ = ("_held", "_redactor")

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """What is safe to show now."""
        whole = self._redactor.text(self._held + text)
        start = self._redactor.begun_secret(whole)
        self._held = whole[start:]
        return whole[:start]

    @property
    def rest(self) -> str:
        """What was held back and proved to be no whole secret; a good half of one is not shown either."""
        return REDACTED if self._held and self._redactor.is_telling(self._held) else self._held


NOTHING_SECRET = Redactor(())


def _without_beginnings(text: str, secret: str) -> str:
    """A table cuts long values: what it leaves of a long secret goes too."""
    start = text.find(secret[:_TELLING_PREFIX])
    while start >= 0:
        end = start
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        text = text[:start] + REDACTED + text[end:]
        start = text.find(secret[:_TELLING_PREFIX])
    return text


def _forms(secret: str) -> set[str]:
    lines = [line for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE]
    stripped = secret.strip()
    forms = {secret, stripped, *lines}
    for value in (secret, stripped):
        forms |= {
            repr(value)[1:-1],
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            html.escape(value),
            html.escape(value, quote=False),
            quote(value, safe=""),
            quote_plus(value),
            value.encode().hex(),
            *_base64_forms(value.encode()),
        }
    return {form for form in forms if len(form) >= _SHORTEST_FORM or form == secret}


def _base64_forms(value: bytes) -> Iterator[str]:
    """The value alone, and what is always the same of it inside something longer, such as `user:password`."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(value).decode()
        for shift in range(3):
            bits_before, bits_behind = 8 * shift, 8 * (shift + len(value))
            yield encode(b"\0" * shift + value).decode()[-(-bits_before // 6) : bits_behind // 6]
