from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.graph import Pipeline, build_pipeline
from nightbook.pipelines.plan import Decision, Evidence, Plan, Verdict, make_plan, settle
from nightbook.pipelines.store import ContentStore
from nightbook.records import LastSuccess
from nightbook.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IMPORTS = "from nightbook import Input, Output\n"


class Project:
    """A project on disk whose stages are "run" by writing what a test says, without a kernel."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.given: dict[str, dict[str, object]] = {}
        self.successes: dict[str, LastSuccess] = {}
        self.history: dict[str, LastSuccess] = {}
        self.forced: frozenset[str] = frozenset()

    def notebook(
        self, file: str, parameters: str | None, *cells: str, kernel: str = "python3", **extra: object
    ) -> Path:
        """Write a notebook; `parameters` is the source of its `parameters` cell, None for none."""
        sources: list[tuple[str, list[str]]] = [(source, []) for source in cells]
        if parameters is not None:
            sources.insert(0, (IMPORTS + parameters, ["parameters"]))
        content = {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {"kernelspec": {"name": kernel, "display_name": kernel}, **extra},
            "cells": [
                {"cell_type": "code", "id": f"c{number}", "source": source, "metadata": {"tags": tags}}
                | {"outputs": [], "execution_count": None}
                for number, (source, tags) in enumerate(sources)
            ],
        }
        return self.write(file, json.dumps(content))

    def write(self, file: str, text: str) -> Path:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def settings(self) -> Settings:
        return load_settings(self.root, environment={})

    @property
    def pipeline(self) -> Pipeline:
        return build_pipeline(self.settings, self.given)

    @property
    def evidence(self) -> Evidence:
        settings = self.settings
        return Evidence(
            settings=settings,
            last_successes=self.successes,
            find_success=self.history.get,
            digests=FileDigests(settings.cache_folder / "digests.json"),
            store=ContentStore(settings.store),
            forced=self.forced,
        )

    def plan(self, *targets: str) -> Plan:
        return make_plan(self.pipeline, targets, self.evidence)

    def verdicts(self, *targets: str) -> dict[str, str]:
        return {one.stage: one.verdict.name for one in self.plan(*targets).decisions}

    def settle(self, stage: str) -> Decision:
        return settle(self.pipeline, stage, self.evidence)

    def run(self, *targets: str, content: Mapping[str, str] | None = None) -> list[str]:
        """Carry out the plan as the program would; what a stage writes is its name unless `content` says otherwise."""
        pipeline, ran = self.pipeline, []
        for planned in self.plan(*targets).decisions:
            decision = planned if planned.verdict is Verdict.UP_TO_DATE else self.settle(planned.stage)
            for pin in decision.restores:
                self.evidence.store.restore(pin.digest, self.root / pin.uri)
            if decision.verdict is Verdict.RUN:
                ran.append(decision.stage)
                self._finish(pipeline, decision, (content or {}).get(decision.stage, decision.stage))
        return ran

    def _finish(self, pipeline: Pipeline, decision: Decision, text: str) -> None:
        assert decision.fingerprint is not None
        evidence = self.evidence
        outputs = pipeline.stages[decision.stage].outputs
        for data in outputs:
            if data.path is not None:
                data.path.parent.mkdir(parents=True, exist_ok=True)
                data.path.write_text(text, encoding="utf-8")
                evidence.store.put(data.path)
        success = LastSuccess(
            run_id=f"run-{decision.stage}",
            number=len(self.history) + 1,
            fingerprint=decision.fingerprint.digest,
            parts=decision.fingerprint.parts,
            outputs=tuple(evidence.digests.pin(data) for data in outputs),
            ended_at=datetime.now(UTC),
        )
        self.successes[decision.stage] = self.history[success.fingerprint] = success


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)


@pytest.fixture
def chain(project: Project) -> Project:
    """Three stages in a row: collect, prepare, train; and report beside train."""
    project.notebook("notebooks/1-collect.ipynb", 'out: Output = "../data/raw.txt"\nmonth: int = 6', "a = 1", "b = 2")
    project.notebook("notebooks/2-prepare.ipynb", 'src: Input = "../data/raw.txt"\nout: Output = "../data/clean.txt"')
    project.notebook("notebooks/3-train.ipynb", 'src: Input = "../data/clean.txt"\nout: Output = "../data/model.txt"')
    project.notebook("notebooks/4-report.ipynb", 'src: Input = "../data/clean.txt"')
    return project
