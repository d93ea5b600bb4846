"""A small project with a pending run, ready to travel."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.stage import load_stages
from nightbook.records import RunKind
from nightbook.runs.away.luggage import Packer
from nightbook.runs.ledger import Ledger, NewRun
from nightbook.runs.request import SOURCE, DeclaredPath, ExecutionRequest
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nightbook.pipelines.stage import Stage
    from nightbook.plugins.executors import Cargo
    from nightbook.records import Run
    from nightbook.runs.away.order import Order
    from nightbook.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Traveller:
    """A run that could go to a worker."""

    settings: Settings
    stage: Stage
    run: Run
    request: ExecutionRequest

    def packed(self) -> tuple[Order, Cargo]:
        return Packer(self.settings).pack(self.stage, self.request)


@pytest.fixture
def traveller(tmp_path: Path, new_notebook: Callable[..., Path]) -> Callable[..., Traveller]:
    """Makes a run of a stage with these cells; without any, it copies its input."""

    def make(*cells: str, declares: str = "", given: dict[str, object] | None = None) -> Traveller:
        root = tmp_path / "project"
        (root / "data").mkdir(parents=True)
        (root / "data" / "in.txt").write_text("read")
        declares = declares or 'seen: Input = "../data/in.txt"\nmade: Output = "../data/out.txt"'
        new_notebook(
            root / "notebooks" / "copy.ipynb", declares, *(cells or ('open(made, "w").write(open(seen).read())',))
        )
        settings = load_settings(root, environment={"NIGHTBOOK_STORE": f"local://{tmp_path}/store"})
        (stage,) = load_stages(settings, {"copy": given or {}})
        digests = FileDigests(settings.cache_folder / "digests.json")
        pins = tuple(digests.pin(one) for one in stage.inputs)
        with Ledger.open(settings.ledger) as ledger:
            run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="copy", inputs=pins, fingerprint="sha256:ab"))
        return Traveller(settings=settings, stage=stage, run=run, request=request_of(settings, stage, run))

    return make


def request_of(settings: Settings, stage: Stage, run: Run) -> ExecutionRequest:
    folder = settings.runs_folder / run.run_id
    folder.mkdir(parents=True)
    (folder / SOURCE).write_text(json.dumps(stage.notebook.content))
    return ExecutionRequest(
        run_id=run.run_id,
        ledger=settings.ledger,
        root=str(settings.root),
        state=str(settings.state),
        store=settings.store,
        folder=str(folder),
        notebook="notebooks/copy.ipynb",
        working_directory=str(stage.notebook.path.parent),
        kernel_name="python3",
        language="python",
        inputs=run.inputs,
        outputs=tuple(DeclaredPath(name=one.name, uri=one.uri, path=str(one.path or "")) for one in stage.outputs),
        heartbeat_seconds=1,
    )
