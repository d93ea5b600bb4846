"""How a ledger's database is opened: tables made once, transactions that wait, errors that name it."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select, text, update
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError

from nightbook.errors import LedgerAwayError, LedgerError, StorageError
from nightbook.runs.schema import SCHEMA_VERSION, meta, metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_SECONDS = 30
_ADVISORY_LOCK = 0x6E69676874  # "night": serialises table creation in PostgreSQL


def open_engine(url: str, *, create: bool = True) -> Engine:
    """Connect to a ledger that has all its tables; eight processes may do so at once on an empty one.

    Args:
        url: `sqlite:///…` or `postgresql://…`.
        create: Make what is missing; otherwise a ledger that does not exist is an error.

    Raises:
        LedgerError: It cannot be reached, is no ledger, or a newer program wrote it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError(
            f"'{url}' is no database URL",
            remedy="set ledger to sqlite:///path/ledger.sqlite or postgresql://user@host/database",
        ) from error
    with ledger_errors(parsed):
        engine = _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql_engine(parsed)
        with ExitStack() as on_failure:
            on_failure.callback(engine.dispose)
            _check_schema(engine, create=create)
            on_failure.pop_all()
    return engine


def _check_schema(engine: Engine, *, create: bool) -> None:
    version = _schema_version(engine)
    if version is None:
        if not create:
            raise LedgerError(f"there is no ledger at {_shown(engine.url)}", remedy="nightbook run")
        version = _create_tables(engine)
    if version < SCHEMA_VERSION and create:
        version = _create_tables(engine)
    if version > SCHEMA_VERSION:
        raise LedgerError(
            f"the ledger at {_shown(engine.url)} was written by a newer Nightbook "
            f"(its schema is {version}, known is {SCHEMA_VERSION})",
            remedy="pip install --upgrade nightbook",
        )


@contextmanager
def ledger_errors(url: URL) -> Iterator[None]:
    """Turn a database's complaints into an error that names the ledger; others pass."""
    try:
        yield
    except IntegrityError:
        # A constraint that did its work is an answer, not a complaint.
        raise
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        if "disk is full" in reason or "No space left" in reason:
            raise StorageError(f"no space left for the ledger at {_shown(url)}", remedy="free some space") from error
        kind = LedgerAwayError if _is_away(error, reason) else LedgerError
        raise kind(f"the ledger at {_shown(url)} cannot be used: {reason}", remedy="nightbook doctor") from error


def _is_away(error: DBAPIError, reason: str) -> bool:
    """True of a connection that broke or cannot be had, and of a SQLite file that others keep busy."""
    lasting = ("readonly", "no such", "does not exist", "authentication", "password")
    return error.connection_invalidated or (
        isinstance(error, OperationalError) and not any(word in reason for word in lasting)
    )


def database_clock(connection: Connection) -> float:
    """Seconds since the epoch by the clock that all users of the ledger share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())::float8")) or 0.0)


def _shown(url: URL) -> str:
    return url.database or "memory" if url.get_backend_name() == "sqlite" else url.render_as_string()


def _sqlite_engine(url: URL) -> Engine:
    path = Path(url.database or "")
    if not path.name or path.name == ":memory:":
        raise LedgerError("a ledger in memory would be forgotten", remedy="set ledger to sqlite:///path/ledger.sqlite")
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    del entry
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that first reads and then writes would fail at once with "locked", whatever the timeout.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: URL) -> Engine:
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise LedgerError(
            f"a ledger cannot be kept in {url.get_backend_name()}",
            remedy="set ledger to sqlite:///path/ledger.sqlite or postgresql://user@host/database",
        )
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )
    except ModuleNotFoundError as error:
        raise LedgerError(
            "a ledger in PostgreSQL needs psycopg, which is not installed", remedy="pip install 'nightbook[postgres]'"
        ) from error


def _schema_version(engine: Engine) -> int | None:
    """None for a database without our tables; never creates a SQLite file."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return None
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            known = text("SELECT 1 FROM sqlite_master WHERE name = 'meta'")
        else:
            known = text("SELECT 1 WHERE to_regclass('meta') IS NOT NULL")
        if connection.scalar(known) is None:
            return None
        value = connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version"))
    return None if value is None else int(value)


def _create_tables(engine: Engine) -> int:
    """Make the tables that are missing: all of a new ledger, the newer ones of an older; none that is there changes."""
    with _alone(engine) as connection:
        metadata.create_all(connection)
        version = connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version"))
        if version is None:
            connection.execute(insert(meta).values(name="schema_version", value=str(SCHEMA_VERSION)))
        elif int(version) < SCHEMA_VERSION:
            newer = update(meta).where(meta.c.name == "schema_version").values(value=str(SCHEMA_VERSION))
            connection.execute(newer)
        else:
            return int(version)
    return SCHEMA_VERSION


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """One transaction that no other process's creation of tables can meet."""
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
        return
    path = Path(engine.url.database or "")
    # Switching to WAL does not wait for others as a transaction does.
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise StorageError(
            f"the folder of the ledger cannot be written: {error}", remedy=f"check {path.parent}"
        ) from error
    try:
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection
    finally:
        lock.release()
