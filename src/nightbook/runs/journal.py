"""What the runner tells the event log: strict JSON without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nightbook.files import write_atomically
from nightbook.notebooks.inside import reveal
from nightbook.runs.events import Event, EventKind, EventLog
from nightbook.runs.redaction import Redactor
from nightbook.runs.request import EVENTS, PREPARED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.runs.request import ExecutionRequest


class Journal:
    """The runner's only way to the disk."""

    def __init__(self, request: ExecutionRequest) -> None:
        self.request = request
        self.redactor = Redactor(reveal(reference) for reference in request.secrets)
        self._folder = Path(request.folder)
        self._log = EventLog(self._folder / EVENTS)

    def tell(self, kind: EventKind, **fields: object) -> None:
        """Append one event."""
        self._log.append(kind, **cast("dict[str, Any]", self.redactor.json(strict_json(fields))))

    def repeat(self, event: Event, **fields: object) -> None:
        """Append what was told elsewhere, with the time of then."""
        redacted = self.redactor.json(strict_json({**event.fields, **fields}))
        self._log.append(event.kind, at=event.at, **cast("dict[str, Any]", redacted))

    def prepared(self, notebook: Mapping[str, Any]) -> None:
        """Leave the parameterised notebook on disk: a killed run is shown from it and from the events."""
        notebook["metadata"].get("papermill", {})["parameters"] = dict(self.request.shown_parameters)
        write_atomically(self._folder / PREPARED, json.dumps(strict_json(notebook)).encode())
        self.tell(EventKind.PREPARED, cells=sum(is_executable(cell) for cell in notebook["cells"]))


def is_executable(cell: Mapping[str, Any]) -> bool:
    """Whether a cell will be executed: code that is not tagged to be skipped."""
    return cell["cell_type"] == "code" and "skip-execution" not in cell["metadata"].get("tags", ())


def strict_json(value: object) -> object:
    """The value with NaN and infinities as their names: what any JSON reader accepts."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN test
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, dict):
        return {str(key): strict_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict_json(item) for item in value]
    return value
