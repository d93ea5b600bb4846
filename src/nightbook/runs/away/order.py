"""What goes to a worker: the run's request with every path made relative to a root that the worker will choose."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError, SettingsError
from nightbook.notebooks.literals import python_literal
from nightbook.runs.request import DeclaredPath, ExecutionRequest
from nightbook.version import __version__

if TYPE_CHECKING:
    from nightbook.pipelines.stage import DataPath, Stage

_ELSEWHERE = ".nightbook/elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run for a worker.

    Attributes:
        request: Its paths are relative to the project's root; ledger, state and folder are the worker's to fill in.
        source: The notebook to execute, as JSON.
        environment: Digest of what the client has installed; the content store holds the list.
    """

    request: ExecutionRequest
    source: str
    environment: str

    def to_json(self) -> str:
        """One JSON document."""
        fields = {"request": asdict(self.request), "source": self.source, "environment": self.environment}
        return json.dumps({"nightbook": __version__, **fields})

    @classmethod
    def from_json(cls, text: str) -> Order:
        """What `to_json` made.

        Raises:
            SettingsError: Another version of Nightbook did, whose words may mean something else.
        """
        fields = json.loads(text)
        theirs = fields.pop("nightbook")
        if theirs != __version__:
            raise SettingsError(
                f"the client has Nightbook {theirs}, and a worker {__version__}", remedy="install the same on both"
            )
        return cls(**{**fields, "request": ExecutionRequest.from_fields(fields["request"])})

    def placed(self, root: Path, folder: Path, state: Path, ledger: str) -> ExecutionRequest:
        """The request as it is carried out below a worker's root."""
        request = self.request
        outputs = (replace(one, path=str(root / one.path) if one.path else "") for one in request.outputs)
        return replace(
            request,
            root=str(root),
            folder=str(folder),
            state=str(state),
            ledger=ledger,
            working_directory=str(root / request.working_directory),
            outputs=tuple(outputs),
        )


def order_for(stage: Stage, request: ExecutionRequest, source: str, environment: str) -> Order:
    """Make a run's request one that a worker can carry out.

    Raises:
        PipelineError: It reads or writes a path outside the project that cannot be set.
    """
    root = Path(request.root)
    folder = _inside(root, Path(request.working_directory))
    if folder is None:
        raise PipelineError(
            f"{request.notebook} lies outside the project: it cannot go to a worker", remedy="move it into the project"
        )
    places = {one.name: _place(root, one) for one in (*stage.inputs, *stage.outputs) if one.path is not None}
    return Order(
        request=replace(
            request,
            ledger="",
            root="",
            state="",
            folder="",
            working_directory=folder,
            parameters={**request.parameters, **_rewritten(stage, root, folder, places)},
            inputs=tuple(replace(pin, uri=places.get(pin.name, pin.uri)) for pin in request.inputs),
            outputs=tuple(
                DeclaredPath(name=one.name, uri=one.uri, path=places[one.name] if one.path else "")
                for one in request.outputs
            ),
        ),
        source=source,
        environment=environment,
    )


def _inside(root: Path, path: Path) -> str | None:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else None


def _place(root: Path, data: DataPath) -> str:
    """Where some data lies below a worker's root: as in the project; what lies outside of it gets a place in it."""
    path = Path(str(data.path))
    inside = _inside(root, path)
    return inside or f"{_ELSEWHERE}/{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}/{path.name}"


def _rewritten(stage: Stage, root: Path, folder: str, places: dict[str, str]) -> dict[str, object]:
    """Parameters whose paths mean nothing elsewhere, relative to the notebook's folder."""
    settable = {parameter.name for parameter in stage.parameters}
    values = stage.binding.json_values()
    rewritten: dict[str, object] = {}
    for data in (*stage.inputs, *stage.outputs):
        if data.path is None:
            continue
        is_outside = _inside(root, data.path) is None
        if is_outside and data.name not in settable:
            raise PipelineError(
                f"stage '{stage.name}' always uses {data.uri}, outside the project, which no worker has",
                remedy=f"declare it in the notebook: {data.name}: Input = …",
            )
        if is_outside or os.path.isabs(str(values.get(data.name, ""))):  # noqa: PTH117 - it may be no path at all
            relative = os.path.relpath(PurePosixPath("/", places[data.name]), PurePosixPath("/", folder))
            rewritten[data.name] = python_literal(relative) if stage.language == "python" else relative
    return rewritten
