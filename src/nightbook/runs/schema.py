"""The ledger's tables: facts are inserted once, transitions are appended, nothing is rewritten."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

SCHEMA_VERSION = 2


class Json(TypeDecorator[object]):
    """JSON as text, so that both databases hold the same bytes and a glance with sqlite3 can read them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Write compact JSON; NaN and infinities keep Python's names."""
        del dialect
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        """Read what was written."""
        del dialect
        return None if value is None else json.loads(value)


class UtcTime(TypeDecorator[datetime]):
    """A time as ISO 8601 text in UTC: sorts as text, means the same in both databases."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Convert to UTC; a naive time is a programming error."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            message = "the ledger holds aware times only"
            raise ValueError(message)
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


_BIG = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

meta = Table("meta", metadata, Column("name", String(64), primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False, unique=True),
    Column("parent_run_id", String(64), index=True),
    Column("kind", String(16), nullable=False),
    Column("stage", Text),
    Column("notebook", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("fingerprint", String(128), nullable=False, index=True),
    Column("fingerprint_parts", Json, nullable=False),
    Column("git_commit", String(64)),
    Column("git_dirty", Boolean),
    Column("inputs", Json, nullable=False),
    Column("host", Text, nullable=False),
    Column("username", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Index("runs_by_stage", "stage", "number"),
    # Numbers are never used twice, also when the newest run was pruned.
    sqlite_autoincrement=True,
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("is_final", Boolean, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid_space", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Float, nullable=False),
    UniqueConstraint("run_id", "status", name="one_transition_of_a_kind"),
)
# The database itself keeps the promise of one final state: no code path can record a second. In plain SQL, which both
# databases read alike: `Index(…, postgresql_where=…)` would load PostgreSQL's dialect into each process.
event.listen(
    transitions,
    "after_create",
    DDL("CREATE UNIQUE INDEX one_final_state ON transitions (run_id) WHERE is_final"),  # type: ignore[no-untyped-call]  # SQLAlchemy left it so
)

results = Table(
    "results",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("cause", String(32)),
    Column("message", Text, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("duration_seconds", Float),
    Column("peak_memory_bytes", BigInteger),
    Column("metrics", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("cells", Json, nullable=False),
    Column("executed_notebook", Text),
    Column("report", Text),
    Column("reusable", Boolean, nullable=False),
    Column("logged_parameters", Json, nullable=False),
    Column("artifacts", Json, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False, index=True),
    Column("name", Text, nullable=False),
    # NULL stands for NaN, which SQLite cannot hold.
    Column("value", Float(53)),
    Column("step", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("better", String(8), nullable=False),
    Column("tolerance", Float(53)),
    Column("unit", Text, nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("run_id", String(64), primary_key=True),
    # The database's own clock, so that two hosts' clocks need not agree.
    Column("at", Float(53), nullable=False),
    # The beating host's monotonic clock: a laptop that slept did not miss beats.
    Column("monotonic", Float(53), nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("tracking_uri", String(512), primary_key=True),
    Column("mlflow_run_id", String(64), nullable=False),
    Column("experiment_id", String(64), nullable=False),
    Column("artifact_uri", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

experiments = Table(
    "experiments",
    metadata,
    Column("tracking_uri", String(512), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("experiment_id", String(64), nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False),
    Column("event", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("delivered_at", UtcTime),
    UniqueConstraint("run_id", "event", name="one_event_of_a_kind"),
    Index("outbox_owed", "delivered_at", "id"),
)

# Since version 2. What was said about a run, in the order in which it was said: only ever inserted.
reviews = Table(
    "reviews",
    metadata,
    Column("run_id", String(64), primary_key=True),
    # Counts a run's entries from 1. Of two who answer the same entry at once the key lets one through.
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("review_id", String(64), nullable=False, unique=True),
    Column("verdict", String(16), nullable=False),
    # Where the run stood afterwards.
    Column("state", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("text", Text, nullable=False),
    # The database's own clock.
    Column("at", UtcTime, nullable=False),
    Column("digests", Json, nullable=False),
    # The signed envelope, byte by byte as it was signed; empty for a request, which nobody signs.
    Column("envelope", Text, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", Float(53), nullable=False),
)
