"""Runs of stages: recorded, given to a supervisor, concluded."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from nightbook.files import file_state, write_atomically
from nightbook.notebooks.literals import python_literal
from nightbook.pipelines.fingerprint import modules_of
from nightbook.records import Cause, Run, RunKind, RunStatus
from nightbook.runs.containment import ANY, choose_containment
from nightbook.runs.facts import NewRun, Outcome, current_user
from nightbook.runs.heartbeat import Heartbeat
from nightbook.runs.liveness import SupervisorProcess
from nightbook.runs.patience import patiently
from nightbook.runs.recovery import recover
from nightbook.runs.request import CANCEL, FORK, SOURCE, TRACKING, DeclaredPath, ExecutionRequest
from nightbook.runs.warm.kernels import warm_up
from nightbook.workflow.checkpointing import checkpoints_for, unfinished_runs
from nightbook.workflow.engines import choose_engine
from nightbook.workflow.launching import HereLauncher
from nightbook.workflow.planning import secrets_of
from nightbook.workflow.requests import StageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from nightbook.pipelines.fingerprint import Fingerprint
    from nightbook.pipelines.stage import Stage
    from nightbook.records import Pin
    from nightbook.runs.git import GitState
    from nightbook.runs.launch import LiveRun
    from nightbook.runs.ledger import Ledger
    from nightbook.runs.publisher import Publisher
    from nightbook.runs.request import Sharing, Unfinished
    from nightbook.settings import Settings
    from nightbook.workflow.launching import Launcher

USES_MLFLOW = "distribution mlflow"


@dataclass(slots=True, kw_only=True)
class RunMaker:
    """Makes the runs of one command and reads how they ended.

    Attributes:
        settings: The project.
        ledger: Where they are recorded.
        publisher: Is told of each, for its report and MLflow.
        git: All runs of one command stand at one commit.
        tags: Kept with each.
        asked: Tags that say what was asked for: kept with the parent, or with the run that has none.
        parent: The pipeline or sweep that they belong to; None for a lone notebook.
        threads: How many threads each run's libraries for numbers may use; None for as many as there are processors.
        share: Asked before each run which cells it has in common with others; or whether it has to wait for that.
        launcher: Has them carried out, here or elsewhere.
        resumes: Runs from whose checkpoints a stage's may go on, by stage.
    """

    settings: Settings
    ledger: Ledger
    publisher: Publisher
    git: GitState
    tags: Mapping[str, str] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    parent: Run | None = None
    threads: int | None = None
    share: Callable[[Stage, Fingerprint], Sharing | StageState | None] = lambda *_: None
    launcher: Launcher = field(default_factory=HereLauncher)
    resumes: Mapping[str, Unfinished] = field(default_factory=dict)
    _waiting: list[Path] = field(default_factory=list)
    _began: float = 0.0
    _heart: Heartbeat | None = None

    def __post_init__(self) -> None:
        """Refuse before anything is recorded what a supervisor could only fail with."""
        if self.settings.containment != ANY:
            choose_containment(self.settings.containment)

    def begin_parent(self, kind: RunKind, parameters: Mapping[str, object], *, stage: str | None = None) -> Run:
        """Record the pipeline or sweep itself, in the care of this process."""
        self.parent = self.ledger.create_run(
            NewRun(
                kind=kind,
                stage=stage,
                parameters=parameters,
                git_commit=self.git.commit,
                git_dirty=self.git.is_dirty,
                user=current_user(),
                tags=self._tags,
            )
        )
        self._began = time.monotonic()
        self.ledger.start(self.parent.run_id, SupervisorProcess.this())
        self._heart = Heartbeat(self.ledger, self.parent.run_id, seconds=self.settings.heartbeat_seconds)
        self.publisher.changed(self.parent.run_id)
        return self.parent

    def end_parent(self, outcome: Outcome) -> None:
        """Record how the pipeline or sweep ended, if there is one; the first end that was recorded stands."""
        if self.parent is not None:
            took = time.monotonic() - self._began
            self.ledger.finish(self.parent.run_id, replace(outcome, duration_seconds=took))
            self.publisher.changed(self.parent.run_id)
        self.stop_beating()

    def stop_beating(self) -> None:
        """Look after the parent no more."""
        if self._heart is not None:
            self._heart.stop()

    def may_go_on(self) -> bool:
        """False when somebody asked that all stop."""
        self._free_waiting()
        return self.parent is None or not (self.settings.runs_folder / self.parent.run_id / CANCEL).exists()

    def _free_waiting(self) -> None:
        """A runner waits for its MLflow run only while there is somebody to make it."""
        if self.publisher.is_gone:
            for folder in self._waiting:
                if not (folder / TRACKING).exists():
                    write_atomically(folder / TRACKING, b"{}")
            self._waiting.clear()

    def start(self, stage: Stage, fingerprint: Fingerprint, inputs: tuple[Pin, ...]) -> LiveRun | StageState:
        """Record a pending run and give it to a supervisor; or say that it has to wait."""
        sharing = self.share(stage, fingerprint)
        if isinstance(sharing, StageState):
            return sharing
        run = patiently(partial(self.ledger.create_run, self._new_run(stage, fingerprint, inputs)))
        folder = self.settings.runs_folder / run.run_id
        folder.mkdir(parents=True, mode=0o700)
        write_atomically(folder / SOURCE, json.dumps(stage.notebook.content).encode("utf-8", "surrogatepass"))
        for output in stage.outputs:
            if output.path is not None:
                output.path.parent.mkdir(parents=True, exist_ok=True)
        request = replace(self.execution(run, stage, folder, fingerprint), sharing=sharing)
        if request.awaits_tracking:
            self._waiting.append(folder)
        live = self.launcher.launch(run, request, stage)
        self.publisher.changed(run.run_id)
        return live

    def conclude(self, live: LiveRun) -> Run:
        """Read the final record of a run whose supervisor is gone; without one, the run is lost."""
        live.close()
        run = self.ledger.get(live.run.run_id)
        if not run.status.is_final:
            recover(self.ledger, run, self.settings.runs_folder)
            run = self.ledger.get(run.run_id)
        if self.parent is None or self.parent.kind is not RunKind.SWEEP:
            # Should it be tried again.
            self.resumes = {**self.resumes, **unfinished_runs(self.settings, [run])}
        self.publisher.changed(run.run_id)
        return run

    def give_up(self, stage: Stage, reason: str) -> Run:
        """Record a run that could not begin because what it needs failed."""
        run = patiently(partial(self.ledger.create_run, self._new_run(stage, None, ())))
        outcome = Outcome(status=RunStatus.FAILED, cause=Cause.UPSTREAM_FAILED, message=reason)
        patiently(partial(self.ledger.finish, run.run_id, outcome))
        self.publisher.changed(run.run_id)
        return patiently(partial(self.ledger.get, run.run_id))

    @property
    def _tags(self) -> dict[str, str]:
        return dict(self.tags) if self.parent else {**self.tags, **self.asked}

    def _new_run(self, stage: Stage, fingerprint: Fingerprint | None, inputs: tuple[Pin, ...]) -> NewRun:
        return NewRun(
            kind=RunKind.STAGE,
            stage=stage.name,
            notebook=os.path.relpath(stage.notebook.path, self.settings.root),
            parent_run_id=self.parent.run_id if self.parent else None,
            parameters=stage.binding.json_values(),
            fingerprint=fingerprint.digest if fingerprint else "",
            fingerprint_parts=fingerprint.parts if fingerprint else {},
            git_commit=self.git.commit,
            git_dirty=self.git.is_dirty,
            inputs=inputs,
            user=current_user(),
            tags=self._tags,
        )

    def execution(self, run: Run, stage: Stage, folder: Path, fingerprint: Fingerprint) -> ExecutionRequest:
        """What a supervisor needs to know to execute a stage's notebook for a run."""
        shown = stage.binding.json_values()
        given = stage.binding.given
        is_python = stage.language == "python"
        engine, reason = choose_engine(self.settings, stage, fingerprint.stand_ins)
        if engine == FORK:
            warm_up(str(self.settings.root), secrets_of(stage), self.settings.warm_idle_seconds)
        injected = {name: python_literal(value) if is_python else shown[name] for name, value in given.items()}
        return ExecutionRequest(
            run_id=run.run_id,
            ledger=self.settings.ledger,
            root=str(self.settings.root),
            project=str(self.settings.root),
            state=str(self.settings.state),
            store=self.settings.store,
            folder=str(folder),
            notebook=run.notebook or "",
            working_directory=str(stage.notebook.path.parent),
            kernel_name=stage.kernel_name,
            language=stage.language,
            parameters=injected,
            shown_parameters={name: shown[name] for name in given},
            secrets=secrets_of(stage),
            limits=stage.limits,
            inputs=run.inputs,
            modules={uri: file_state(self.settings.root / uri) for uri in modules_of(fingerprint)},
            outputs=tuple(
                DeclaredPath(name=one.name, uri=one.uri, path=str(one.path) if one.path else "")
                for one in stage.outputs
            ),
            declared=tuple(_declared(stage, shown)),
            awaits_tracking=USES_MLFLOW in fingerprint.parts,
            heartbeat_seconds=self.settings.heartbeat_seconds,
            containment=self.settings.containment,
            engine=engine,
            engine_reason=reason,
            imports=fingerprint.imports,
            threads=self.threads,
            resumes=self.resumes.get(stage.name),
            **checkpoints_for(self.settings, stage, self.parent),
        )


def _declared(stage: Stage, shown: Mapping[str, object]) -> Iterator[dict[str, object]]:
    for parameter in stage.parameters:
        described = parameter.to_json()
        value = shown.get(parameter.name)
        yield {
            "name": parameter.name,
            "value": value if parameter.name in shown else described["default_source"],
            "default": described["default"],
            "help": described["help"],
            "type": described["type"],
            "changed": parameter.name in stage.binding.given and value != described["default"],
        }
