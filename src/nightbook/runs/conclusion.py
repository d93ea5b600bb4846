"""The end of a run on disk: the executed notebook, and what the notebook logged on its way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.files import write_atomically
from nightbook.records import MetricPoint
from nightbook.runs.executed import cells_of, compose_notebook, prepared_notebook
from nightbook.runs.ledger import Outcome
from nightbook.runs.request import ARTIFACTS, EXECUTED, REPORT, ExecutionRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightbook.runs.executed import Ending, Trace

_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"), "nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def leave_notebook(request: ExecutionRequest, trace: Trace, ending: Ending) -> Outcome:
    """Write `executed.ipynb` and say what stands in it; durations and outputs are the supervisor's to add."""
    folder = Path(request.folder)
    executed = compose_notebook(prepared_notebook(folder), trace, ending)
    write_atomically(folder / EXECUTED, json.dumps(executed, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    judgement = ending.judgement
    return Outcome(
        status=judgement.status,
        cause=judgement.cause,
        message=judgement.message,
        ended_at=ending.ended_at,
        metrics=tuple(metric_points(trace.logged)),
        cells=cells_of(executed),
        executed_notebook=relative_to_root(request, folder / EXECUTED),
        report=relative_to_root(request, folder / REPORT),
        logged_parameters=logged_parameters(trace.logged),
        artifacts=kept_artifacts(folder),
    )


def relative_to_root(request: ExecutionRequest, path: Path) -> str:
    """As records show paths: relative to the project's root, absolute when elsewhere."""
    return path.relative_to(request.root).as_posix() if path.is_relative_to(request.root) else path.as_posix()


def metric_points(logged: Sequence[Mapping[str, Any]]) -> Iterator[MetricPoint]:
    """What `nightbook.log_metric` sent, in order."""
    for payload in logged:
        for sent in payload.get("metrics", ()):
            value = sent["value"]
            yield MetricPoint(
                name=str(sent["name"]),
                value=_NOT_FINITE[value] if isinstance(value, str) else float(value),
                step=int(sent.get("step") or 0),
                at=datetime.fromisoformat(sent["at"]) if sent.get("at") else datetime.now(UTC),
                better=str(sent.get("better") or ""),
                tolerance=sent.get("tolerance"),
                unit=str(sent.get("unit") or ""),
            )


def logged_parameters(logged: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """What `nightbook.log_param` sent; the last value of a name holds."""
    return {name: value for payload in logged for name, value in payload.get("parameters", {}).items()}


def kept_artifacts(folder: Path) -> tuple[str, ...]:
    """Files that the notebook logged, which were copied into the run's folder when it did; relative to that folder."""
    artifacts = folder / ARTIFACTS
    return tuple(sorted(path.relative_to(folder).as_posix() for path in artifacts.rglob("*") if path.is_file()))
