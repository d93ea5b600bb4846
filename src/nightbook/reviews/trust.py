"""Whom a project trusts: a file of the repository, so that who may approve is itself reviewed and has a history."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nightbook.errors import SigningKeyError, TrustError, nearest
from nightbook.reviews.keys import ID_SHOWN, PublicKey, read_public_key
from nightbook.reviews.names import normal_name

if TYPE_CHECKING:
    from pathlib import Path

TRUST_FILE = "nightbook-trust.toml"
DEFAULT_ROLE = "reviewer"
_FIELDS = ("name", "public_key", "key_id", "roles", "users", "from", "until", "revoked", "reason")
_NEEDED = ("name", "public_key", "key_id", "roles", "from")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """One entry of the trust list.

    Attributes:
        public: The key, with the name of its owner.
        roles: What settings may ask for, such as `reviewer`.
        users: The owner's login names: runs of theirs are the owner's own.
        start: From when its signatures count, aware.
        until: Until when they count; None: for good. What was signed before stays valid.
        revoked: When it was taken back; None: it was not. No signature of it counts, whenever it was made: who stole
            a key can write any date.
        reason: Why it was taken back.
    """

    public: PublicKey
    roles: tuple[str, ...]
    start: datetime
    users: tuple[str, ...] = ()
    until: datetime | None = None
    revoked: datetime | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        """The owner's."""
        return self.public.name

    def refusal(self, at: datetime) -> str:
        """Why a signature of that time does not count; empty when it does."""
        if self.revoked is not None:
            return f"the key of {self.name} was revoked on {_day(self.revoked)}: {self.reason}"
        if at < self.start:
            return f"the key of {self.name} is trusted only from {_day(self.start)}"
        if self.until is not None and at >= self.until:
            return f"the key of {self.name} was trusted only until {_day(self.until)}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """All entries, in the order of the file; none where there is no file."""

    keys: tuple[TrustedKey, ...] = ()

    def find(self, key_id: str) -> TrustedKey | None:
        """The entry of this very key."""
        return next((one for one in self.keys if one.public.key_id == key_id), None)

    def people(self, at: datetime) -> frozenset[str]:
        """Names of those whose signatures count at that time."""
        return frozenset(one.name for one in self.keys if not one.refusal(at))


def load_trust(root: Path) -> TrustList:
    """Read the project's trust list.

    Raises:
        TrustError: The file or an entry of it cannot be read; which one is named.
    """
    return read_trust(_content(root))


def read_trust(text: str) -> TrustList:
    """Read a trust list strictly: what is unknown, missing or double is an error.

    Raises:
        TrustError: As above.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrustError(f"{TRUST_FILE} is not valid TOML: {error}", remedy="mend that line") from None
    tables = document.pop("keys", [])
    if document or not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        unknown = ", ".join(document) or "keys"
        raise TrustError(f"{TRUST_FILE} holds [[keys]] and nothing else, not {unknown}", remedy="nightbook keys trust")
    keys = tuple(_entry(table, number) for number, table in enumerate(tables, 1))
    for number, one in enumerate(keys, 1):
        if any(one.public.key_id == other.public.key_id for other in keys[: number - 1]):
            raise _mistake(number, {"name": one.name}, "its key stands there twice")
    return TrustList(keys=keys)


def with_key(root: Path, new: TrustedKey) -> str:
    """The file's text with one more entry; what is there stays as it is.

    Raises:
        TrustError: The key is there already, or the file cannot be read.
    """
    before = _content(root)
    present = read_trust(before).find(new.public.key_id)
    if present is not None:
        problem = present.refusal(datetime.now(UTC)) or f"the key of {present.name} is trusted already"
        raise TrustError(problem, remedy=f"edit its entry in {TRUST_FILE}")
    head = "" if before else "# Who may sign reviews of this project. A change here decides who approves: review it.\n"
    text = f"{before}{head}\n{_table(new)}"
    read_trust(text)
    return text


def with_revocation(root: Path, wanted: str, reason: str, at: datetime) -> tuple[str, TrustedKey]:
    """The file's text with one key taken back, and the key; nothing else of the file changes.

    Args:
        root: The project's.
        wanted: A name, or the start of a key's id.
        reason: Why.
        at: When.

    Raises:
        TrustError: There is no such key, there are several, or it is revoked already.
    """
    before = _content(root)
    key = _one(read_trust(before), wanted)
    if key.revoked is not None:
        raise TrustError(key.refusal(at))
    lines = before.splitlines(keepends=True)
    place = next((number for number, line in enumerate(lines) if _names_key(line, key.public.key_id)), None)
    if place is None:
        raise TrustError(
            f"the entry of {key.name} is written in an unusual way", remedy=f"add `revoked` in {TRUST_FILE}"
        )
    lines[place] = lines[place].rstrip("\r\n") + "\n"
    lines.insert(place + 1, f"revoked = {_toml_time(at)}\nreason = {_toml_text(reason)}\n")
    text = "".join(lines)
    changed = read_trust(text).find(key.public.key_id)
    if changed is None or changed.revoked is None:
        raise TrustError(
            f"the entry of {key.name} is written in an unusual way", remedy=f"add `revoked` in {TRUST_FILE}"
        )
    return text, changed


def _content(root: Path) -> str:
    try:
        return (root / TRUST_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise TrustError(f"{root / TRUST_FILE} cannot be read: {error}", remedy="mend the file") from error


def _one(trust: TrustList, wanted: str) -> TrustedKey:
    found = [one for one in trust.keys if wanted and (one.name == wanted or one.public.key_id.startswith(wanted))]
    if len(found) == 1:
        return found[0]
    if not found:
        known = nearest(wanted, {one.name for one in trust.keys})
        raise TrustError(f"no key in {TRUST_FILE} is that of '{wanted}'", remedy=known)
    ids = ", ".join(one.public.key_id[:ID_SHOWN] for one in found)
    raise TrustError(f"'{wanted}' names several keys: {ids}", remedy="type the start of an id")


def _entry(table: dict[str, object], number: int) -> TrustedKey:
    for key in table:
        if key not in _FIELDS:
            raise _mistake(number, table, f"unknown '{key}'; {nearest(key, _FIELDS)}")
    for key in _NEEDED:
        if key not in table:
            raise _mistake(number, table, f"'{key}' is missing")
    try:
        name = normal_name(_text(table, "name"))
        public = read_public_key(f"{_text(table, 'public_key')} {name}", "its public_key")
        entry = TrustedKey(
            public=public,
            roles=_texts(table, "roles"),
            users=_texts(table, "users") if "users" in table else (),
            start=_time(table, "from"),
            until=_time(table, "until") if "until" in table else None,
            revoked=_time(table, "revoked") if "revoked" in table else None,
            reason=_text(table, "reason") if "reason" in table else "",
        )
    except (ValueError, SigningKeyError) as error:
        raise _mistake(number, table, str(error)) from None
    if table["key_id"] != public.key_id:
        raise _mistake(number, table, f"its key_id is not that of its public_key, which is {public.key_id}")
    if (entry.revoked is None) != (not entry.reason):
        raise _mistake(number, table, "'revoked' and 'reason' go together")
    return entry


def _mistake(number: int, table: dict[str, object], problem: str) -> TrustError:
    name = table.get("name")
    who = f" ({name})" if isinstance(name, str) else ""
    return TrustError(f"entry {number}{who} of {TRUST_FILE}: {problem}", remedy="mend that entry")


def _text(table: dict[str, object], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"'{key}' must be a text")
    return value


def _texts(table: dict[str, object], key: str) -> tuple[str, ...]:
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise ValueError(f"'{key}' must be a list of texts")
    return tuple(value)


def _time(table: dict[str, object], key: str) -> datetime:
    value = table[key]
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"'{key}' must be a time with its zone, such as 2026-01-31T12:00:00Z")
    return value


def _table(key: TrustedKey) -> str:
    lines = [
        "[[keys]]",
        f"name = {_toml_text(key.name)}",
        f"public_key = {_toml_text(key.public.line)}",
        f"key_id = {_toml_text(key.public.key_id)}",
        f"roles = [{', '.join(map(_toml_text, key.roles))}]",
        f"users = [{', '.join(map(_toml_text, key.users))}]",
        f"from = {_toml_time(key.start)}",
        *([f"until = {_toml_time(key.until)}"] if key.until else []),
    ]
    return "\n".join(lines) + "\n"


def _names_key(line: str, key_id: str) -> bool:
    name, _, value = line.partition("=")
    return name.strip() == "key_id" and key_id in value


def _toml_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    # TOML wants control characters written out.
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < ord(" ") or one == "\x7f" else one for one in escaped) + '"'


def _toml_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")
