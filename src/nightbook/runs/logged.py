"""What a notebook logged on its way: any language may have sent it, so it is checked here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nightbook.files import write_atomically
from nightbook.records import MetricPoint
from nightbook.runs.request import ARTIFACTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_LARGEST_STEP = 2**53
_UNSAFE = re.compile(r"[^\w.\- ]")


@dataclass(slots=True, kw_only=True)
class Logged:
    """Metrics, values and tables that could be understood.

    Attributes:
        points: Metrics, in order.
        parameters: Values by name; the last one of a name holds.
        tables: Columns and rows by name, likewise.
        misunderstood: How many entries were no such thing.
    """

    points: list[MetricPoint] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)
    tables: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    misunderstood: int = 0

    @classmethod
    def of(cls, payloads: Sequence[object]) -> Logged:
        """Read what was sent, in order."""
        logged = cls()
        for payload in payloads:
            if not isinstance(payload, dict):
                logged.misunderstood += 1
                continue
            for key, take in (
                ("metrics", logged._metric),
                ("tables", logged._table),
                ("parameters", logged._parameters),
            ):
                for sent in _entries(payload.get(key)):
                    try:
                        take(sent)
                    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                        logged.misunderstood += 1
        return logged

    def _metric(self, sent: Mapping[str, Any]) -> None:
        self.points.append(_point(sent))

    def _table(self, sent: Mapping[str, Any]) -> None:
        if not isinstance(sent["columns"], list) or not isinstance(sent["rows"], list):
            raise TypeError(sent)
        self.tables[storable(str(sent["name"]))] = sent

    def _parameters(self, sent: Mapping[str, Any]) -> None:
        self.parameters.update({storable(str(name)): value for name, value in sent.items()})

    def write_tables(self, folder: Path) -> None:
        """Leave each table among the run's artifacts, in the form of `mlflow.log_table`.

        Raises:
            StorageError: The disk is full or gone.
        """
        for name, table in self.tables.items():
            path = folder / ARTIFACTS / (_UNSAFE.sub("_", name) + ".json")
            write_atomically(path, json.dumps({"columns": table["columns"], "data": table["rows"]}).encode())


def storable(text: str) -> str:
    """The text without what databases refuse: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _entries(sent: object) -> Sequence[Any]:
    if sent is None:
        return ()
    return sent if isinstance(sent, list) else (sent,)


def _point(sent: Mapping[str, Any]) -> MetricPoint:
    value, step = sent["value"], int(sent.get("step") or 0)
    if abs(step) > _LARGEST_STEP:
        raise ValueError(step)
    at = datetime.fromisoformat(sent["at"]) if sent.get("at") else datetime.now(UTC)
    tolerance = sent.get("tolerance")
    return MetricPoint(
        name=storable(str(sent["name"])),
        value=_NOT_FINITE[value] if isinstance(value, str) else float(value),
        step=step,
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        better=str(sent.get("better") or ""),
        tolerance=None if tolerance is None else float(tolerance),
        unit=storable(str(sent.get("unit") or "")),
    )
