"""A glance at an embedded ledger with the standard library alone.

A run that finds nothing to do asks the ledger one question; importing SQLAlchemy for it would take longer than all the
rest.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.records import LastSuccess, Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

_SQLITE = "sqlite:///"
_SCHEMA = "SELECT value FROM meta WHERE name = 'schema_version'"
_SUCCESSES = """
    SELECT r.run_id, r.number, r.stage, r.fingerprint, r.fingerprint_parts, f.outputs, f.ended_at
    FROM runs r JOIN results f ON f.run_id = r.run_id
"""
_LATEST = """
    WHERE r.number IN (
        SELECT max(r.number) FROM runs r JOIN results f ON f.run_id = r.run_id
        LEFT JOIN runs parent ON parent.run_id = r.parent_run_id
        WHERE r.kind = 'stage' AND f.status = 'succeeded' AND f.reusable AND coalesce(parent.kind, '') <> 'sweep'
        GROUP BY r.stage
    )
"""
_OF_FINGERPRINT = """
    WHERE r.fingerprint = ? AND f.status = 'succeeded' AND f.reusable ORDER BY r.number DESC LIMIT 1
"""
_NEWEST = """
    SELECT r.number, coalesce(r.stage, r.kind), coalesce(f.status, 'running')
    FROM runs r LEFT JOIN results f ON f.run_id = r.run_id
    ORDER BY r.number DESC LIMIT ?
"""


def glance_runs(url: str, *, limit: int = 30) -> tuple[tuple[int, str], ...]:
    """Return numbers and words (`train, failed`) of the newest runs; none where only the ledger itself can tell."""
    path = Path(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE) or "?" in url or not path.exists():
        return ()
    try:
        with closing(sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True, timeout=1)) as connection:
            rows = connection.execute(_NEWEST, (limit,)).fetchall()
    except sqlite3.Error:
        return ()
    return tuple((number, f"{name}, {status}") for number, name, status in rows)


def glance_successes(url: str, *, schema_version: int = 2) -> Mapping[str, LastSuccess] | None:
    """Return what `Ledger.last_successes` would, or None where only the ledger itself can tell.

    Args:
        url: The ledger's URL; anything but SQLite is left to the ledger.
        schema_version: The schema that the question is written for; any other is left to the ledger.
    """
    found = _glance(url, _SUCCESSES + _LATEST, (), schema_version)
    return None if found is None else dict(found)


def glance_success_of(url: str, fingerprint: str, *, schema_version: int = 2) -> tuple[LastSuccess, ...] | None:
    """Return what `Ledger.successes_of` finds, one or none, or None where only the ledger itself can tell."""
    found = _glance(url, _SUCCESSES + _OF_FINGERPRINT, (fingerprint,), schema_version)
    return None if found is None else tuple(success for _, success in found)


def _glance(
    url: str, question: str, values: tuple[str, ...], schema_version: int
) -> list[tuple[str, LastSuccess]] | None:
    path = Path(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE) or "?" in url:
        return None
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True, timeout=30)) as connection:
            version = connection.execute(_SCHEMA).fetchone()
            if version != (str(schema_version),):
                return None
            rows = connection.execute(question, values).fetchall()
    except sqlite3.Error:
        # The ledger opens it properly and says what is wrong.
        return None
    return [(row[2], _success(row)) for row in rows]


def _success(row: tuple[str, int, str, str, str, str, str]) -> LastSuccess:
    run_id, number, _, fingerprint, parts, outputs, ended_at = row
    return LastSuccess(
        run_id=run_id,
        number=number,
        fingerprint=fingerprint,
        parts=json.loads(parts),
        outputs=tuple(Pin(**pin) for pin in json.loads(outputs)),
        ended_at=datetime.fromisoformat(ended_at),
    )
