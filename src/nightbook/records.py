"""The frozen nouns that pass between layers, and their JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from nightbook.cards import Card, Fact, render_card
from nightbook.numbers import exact, format_count, format_duration, format_number, format_time

if TYPE_CHECKING:
    from collections.abc import Mapping


class RunStatus(StrEnum):
    """Where a run stands; `succeeded`, `failed`, `cancelled`, `lost` and `skipped` are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """A final status is recorded once and never changes."""
        return self not in {RunStatus.PENDING, RunStatus.RUNNING}


class Cause(StrEnum):
    """Why a run did not succeed."""

    CELL_ERROR = "cell_error"
    KERNEL_DIED = "kernel_died"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    UPSTREAM_FAILED = "upstream_failed"
    LOST = "lost"


class CellStatus(StrEnum):
    """What became of one code cell."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_RUN = "not_run"


class RunKind(StrEnum):
    """A stage executes a notebook; a pipeline and a sweep are parents of stage runs."""

    STAGE = "stage"
    PIPELINE = "pipeline"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """An immutable version of some data.

    Attributes:
        name: The parameter that declares it, such as `flights`.
        uri: Path relative to the project's root (posix), or a URI.
        digest: `sha256:…` of the bytes (of a folder: of its files' names and digests);
            empty where nothing can be digested.
        size_bytes: Total size, None where unknown.
        version: A version that the storage itself names, empty where it has none.
    """

    name: str
    uri: str
    digest: str = ""
    size_bytes: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use before it is ended; None is no limit.

    Attributes:
        timeout_seconds: Wall-clock time of the whole run.
        cell_timeout_seconds: Wall-clock time of each cell.
        memory_bytes: Memory of the kernel with all its processes.
        output_limit_bytes: Output kept per cell; what is beyond ends in a visible marker.
    """

    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    memory_bytes: int | None = None
    output_limit_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One code cell's outcome.

    Attributes:
        index: Counts the source notebook's cells from 0.
        status: What became of it.
        duration_seconds: How long it ran; None when it did not run through.
        shared: It was executed once for several runs, of which this is one: for a sweep's, or for the run that this
            one goes on from.
    """

    index: int
    status: CellStatus
    duration_seconds: float | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One logged value of a metric.

    Attributes:
        name: The metric's name.
        value: Its value; may be NaN or infinite.
        step: The step it belongs to, 0 when none was given.
        at: When it was logged.
        better: "higher", "lower", or empty for a neutral metric.
        tolerance: Differences up to this are noise; None when not declared.
        unit: Shown behind the value.
    """

    name: str
    value: float
    step: int = 0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    better: str = ""
    tolerance: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution, as the ledger knows it: the record that every surface shows.

    Times are aware and in UTC; paths are relative to the project's root; `parameters` holds JSON values
    (dates and paths as strings). `metrics` holds each metric's last value.
    """

    run_id: str
    number: int
    kind: RunKind
    status: RunStatus
    parent_run_id: str | None = None
    stage: str | None = None
    notebook: str | None = None
    cause: Cause | None = None
    message: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_seconds: float | None = None
    peak_memory_bytes: int | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    git_commit: str | None = None
    git_dirty: bool | None = None
    inputs: tuple[Pin, ...] = ()
    outputs: tuple[Pin, ...] = ()
    mlflow_run_id: str | None = None
    mlflow_synced: bool = False
    executed_notebook: str | None = None
    report: str | None = None
    cells: tuple[Cell, ...] = ()

    @property
    def label(self) -> str:
        """How people name it: `train #418`, `pipeline #417`, `sweep train #420`."""
        names = [self.stage] if self.kind is RunKind.STAGE else [self.kind.value, self.stage]
        return f"{' '.join(filter(None, names))} #{self.number}"

    def to_json(self) -> dict[str, object]:
        """The record of `--json`: JSON values only, NaN and infinities as their names."""
        record: dict[str, object] = {}
        for one in fields(self):
            record[one.name] = json_value(getattr(self, one.name))
        return record

    def _repr_html_(self) -> str:
        """JupyterLab shows this: the decision first, all parameters folded away."""
        cause = self.cause.value.replace("_", " ").capitalize() if self.cause else ""
        when = (format_time(self.started_at),) if self.started_at else ()
        took = (format_duration(self.duration_seconds),) if self.duration_seconds is not None else ()
        given = tuple(Fact(name=name, text=_as_text(value)) for name, value in self.parameters.items())
        metrics = (Fact(name=name, text=format_number(one), full=exact(one)) for name, one in self.metrics.items())
        return render_card(
            Card(
                title=self.label,
                status=self.status.value,
                facts=(*when, *took, *filter(None, [(self.git_commit or "")[:7]])),
                message=": ".join(filter(None, [cause, self.message])),
                table=tuple(metrics),
                folded={format_count(len(given), "parameter"): given},
                footer=self.report or "",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSuccess:
    """What a plan compares with: the latest reusable success of a stage.

    Attributes:
        run_id: The run that succeeded.
        number: Its number, for people.
        fingerprint: The digest over all parts.
        parts: Readable name of each part, such as `code cell 3`, and its digest or value.
        outputs: What it wrote, with digests.
        ended_at: When it ended, aware and in UTC.
    """

    run_id: str
    number: int
    fingerprint: str
    parts: Mapping[str, str]
    outputs: tuple[Pin, ...]
    ended_at: datetime


def json_value(value: object) -> object:
    """Strict JSON for a record's value: dates in ISO 8601, NaN and infinities as strings."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 - NaN test without importing math
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, tuple | list):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: json_value(getattr(value, one.name)) for one in fields(value)}
    return value


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
