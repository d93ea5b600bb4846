"""From what was typed to stages: targets by name or by file, parameters to the stages they are for."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError, PipelineError, nearest
from nightbook.pipelines.graph import Pipeline, build_pipeline, connect
from nightbook.pipelines.stage import load_stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.settings import Settings

NOTEBOOK_SUFFIXES = frozenset({".ipynb", ".py", ".md"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Stages to bring up to date.

    Attributes:
        pipeline: The stages that exist, their parameters bound.
        names: The stages that were asked for; what they need comes along.
        forced: Those that run even when up to date: a notebook file without outputs always executes.
        is_lone: A notebook file of no pipeline: its run has no parent.
        given: What was given, by `STAGE.NAME`, as JSON values.
    """

    pipeline: Pipeline
    names: tuple[str, ...]
    forced: frozenset[str] = frozenset()
    is_lone: bool = False
    given: Mapping[str, object] = field(default_factory=dict)


def select(settings: Settings, targets: Sequence[str], parameters: Mapping[str, object]) -> Selection:
    """Resolve targets and parameters; nothing has started when this raises.

    Raises:
        PipelineError: A target names no stage and no file.
        ParameterError: A parameter is for no stage that was asked for.
    """
    if len(targets) == 1 and (lone := _lone_file(settings, targets[0])) is not None:
        stage = load_stage(settings, lone, parameters)
        forced = frozenset() if stage.outputs else frozenset({stage.name})
        return Selection(pipeline=connect([stage]), names=(stage.name,), forced=forced, is_lone=True)
    pipeline = build_pipeline(settings)
    if not pipeline.stages and not targets:
        raise PipelineError(
            f"there is no stage in {settings.root}: no notebook in {settings.notebooks}/ has a parameters cell",
            remedy="go to the project, type `nightbook init`, or name a notebook's file",
        )
    names = tuple(_stage_of(pipeline, target) for target in targets)
    given = _by_stage(pipeline, names, parameters)
    if given:
        pipeline = build_pipeline(settings, given)
    files = {name for name, target in zip(names, targets, strict=True) if is_file_name(target)}
    forced = frozenset(name for name in files if not pipeline.stages[name].outputs)
    return Selection(
        pipeline=pipeline,
        names=names or tuple(pipeline.stages),
        forced=forced,
        given={
            f"{stage}.{name}": pipeline.stages[stage].binding.json_values()[name]
            for stage, values in given.items()
            for name in values
        },
    )


def is_file_name(target: str) -> bool:
    """Whether a target is meant as a file rather than as a stage's name."""
    path = Path(target)
    return path.suffix in NOTEBOOK_SUFFIXES or os.sep in target or (path.suffix != "" and path.is_file())


def _lone_file(settings: Settings, target: str) -> Path | None:
    """The file of a target that is no stage of the pipeline."""
    if not is_file_name(target):
        return None
    path = Path(target).absolute()
    if not path.exists() and (settings.root / settings.notebooks / target).exists():
        # As one types it within the project, wherever one stands.
        path = settings.root / settings.notebooks / target
    if path.exists() and any(path.samefile(one) for one in _stage_files(settings)):
        return None
    return path


def _stage_files(settings: Settings) -> list[Path]:
    return [stage.notebook.path for stage in build_pipeline(settings).stages.values()]


def _stage_of(pipeline: Pipeline, target: str) -> str:
    if target in pipeline.stages:
        return target
    if is_file_name(target):
        name = Path(target).name
        for stage in pipeline.stages.values():
            path = stage.notebook.path
            if path.samefile(target) if Path(target).exists() else path.name == name:
                return stage.name
    remedy = (
        nearest(target, pipeline.stages)
        if pipeline.stages
        else "`nightbook init` makes a project, or give a notebook's file"
    )
    raise PipelineError(f"there is no stage '{target}'", remedy=remedy)


def _by_stage(
    pipeline: Pipeline, names: Sequence[str], parameters: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """`STAGE.NAME` to its stage; a bare name to the stage asked for, or to every stage that declares it."""
    given: defaultdict[str, dict[str, object]] = defaultdict(dict)
    involved = pipeline.needed_for(names)
    for key, value in parameters.items():
        # A stage's name may hold a dot, a parameter's does not.
        stage, dot, name = key.rpartition(".")
        if dot:
            if stage not in involved:
                raise ParameterError(f"'{key}' is for a stage that does not run", remedy=nearest(stage, involved))
            given[stage][name] = value
            continue
        for one in _stages_for(pipeline, names, involved, key):
            given[one][key] = value
    return dict(given)


def _stages_for(pipeline: Pipeline, names: Sequence[str], involved: Sequence[str], parameter: str) -> tuple[str, ...]:
    if len(names) == 1:
        return tuple(names)
    asked = names or involved
    declaring = tuple(name for name in asked if parameter in {one.name for one in pipeline.stages[name].parameters})
    if not declaring:
        known = {one.name for name in asked for one in pipeline.stages[name].parameters}
        raise ParameterError(
            f"unknown parameter '{parameter}': no stage that runs declares it", remedy=nearest(parameter, known)
        )
    return declaring
