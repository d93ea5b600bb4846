"""What goes into the ledger about a run, before it starts and when it ends."""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.records import Cause, Cell, MetricPoint, Pin, RunKind, RunStatus


def new_run_id() -> str:
    """Draw 64 random bits, so that ledgers of many machines can meet in one MLflow."""
    return secrets.token_hex(8)


def current_user() -> str:
    """Who runs this; in a container without an entry for its user, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if sys.platform != "win32" else os.getlogin()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What is known of a run before it starts; none of it changes later."""

    kind: RunKind
    run_id: str = field(default_factory=new_run_id)
    stage: str | None = None
    notebook: str | None = None
    parent_run_id: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    fingerprint: str = ""
    fingerprint_parts: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    git_dirty: bool | None = None
    inputs: tuple[Pin, ...] = ()
    host: str = field(default_factory=socket.gethostname)
    user: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The final facts of a run.

    Attributes:
        status: A final status.
        reusable: False when its inputs changed while it ran: no later run may rely on it.
        logged_parameters: What the notebook logged beyond its declared parameters, as JSON values.
        artifacts: Files that the notebook logged, relative to the run's folder.
    """

    status: RunStatus
    cause: Cause | None = None
    message: str = ""
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_seconds: float | None = None
    peak_memory_bytes: int | None = None
    metrics: tuple[MetricPoint, ...] = ()
    outputs: tuple[Pin, ...] = ()
    cells: tuple[Cell, ...] = ()
    executed_notebook: str | None = None
    report: str | None = None
    reusable: bool = True
    logged_parameters: Mapping[str, object] = field(default_factory=dict)
    artifacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run beyond its record.

    Attributes:
        created_at: When it was asked for.
        host: Where it was asked for.
        user: By whom.
        tags: What the caller attached.
        fingerprint_parts: Readable name of each part of the fingerprint, and its digest or value.
        reusable: False when the inputs changed while it ran.
        logged_parameters: What the notebook logged with `log_param`.
        artifacts: Files that the notebook logged, relative to the run's folder.
    """

    created_at: datetime
    host: str
    user: str
    tags: Mapping[str, str]
    fingerprint_parts: Mapping[str, str]
    reusable: bool
    logged_parameters: Mapping[str, object]
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """Where a run is found in MLflow."""

    mlflow_run_id: str
    experiment_id: str
    artifact_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that MLflow knows; complete when an attempt before told its end too."""

    tracked: TrackedRun
    is_complete: bool
