"""The stages of a sweep's parameter sets: what a set changes gets outputs of its own, the rest is shared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import ParameterRole
from nightbook.workflow.parameter_sets import set_digest, set_name
from nightbook.workflow.targets import Selection, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.pipelines.graph import Pipeline
    from nightbook.pipelines.stage import DataPath, Stage
    from nightbook.workflow.requests import RunRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSet:
    """One set, ready to run.

    Attributes:
        name: For people.
        digest: Of its values, as they were understood.
        pipeline: The stages with the set's values; those that it changes write into folders of their own.
        changed: The stages that it changes, in order.
    """

    name: str
    digest: str
    pipeline: Pipeline
    changed: tuple[str, ...]


def select_for(base: RunRequest, values: Mapping[str, object]) -> Selection:
    """What the request asks for, with a set's values."""
    return select(base.settings, base.targets, {**base.parameters, **values})


def changed_stages(selection: Selection, sets: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    """The stages that declare what varies, and all behind them that were asked for."""
    varied = {name for one in sets for name in one}
    involved = selection.pipeline.needed_for(selection.names)
    asked = set(selection.names)
    declaring = []
    for name in involved:
        declared = {one.name for one in selection.pipeline.stages[name].parameters}
        if any(key in declared if "." not in key else key.rpartition(".")[0] == name for key in varied) and (
            name in asked or any(key.startswith(f"{name}.") for key in varied)
        ):
            declaring.append(name)
    behind = set(selection.pipeline.depending_on(declaring))
    return tuple(name for name in involved if name in behind)


def shared_stages(selection: Selection, changed: tuple[str, ...]) -> tuple[str, ...]:
    """The stages that every set needs and none changes, in order."""
    needed = selection.pipeline.needed_for(selection.names)
    return () if selection.is_lone else tuple(name for name in needed if name not in changed)


def parameter_set(base: RunRequest, values: Mapping[str, object], changed: tuple[str, ...]) -> ParameterSet:
    """The stages of a set: outputs go to a folder of its own, and what it reads of them comes from there."""
    plain = select_for(base, values)
    stages = plain.pipeline.stages
    bound = {name: stages[name].binding.json_values() for name in changed}
    folder = base.settings.state / "sweeps" / set_digest(bound)
    moved: dict[str, str] = {}
    apart: dict[str, object] = {}
    for name in changed:
        prefix = "" if plain.is_lone else f"{name}."
        for output in _own_outputs(stages[name]):
            # Each in a folder of its own: two outputs may have the same file name.
            moved[output.key] = str(folder / name / output.name / Path(output.uri).name)
            apart[f"{prefix}{output.name}"] = moved[output.key]
        for data in stages[name].inputs:
            if (place := _moved(data, moved, stages[name])) is not None:
                apart[f"{prefix}{data.name}"] = place
    selection = select_for(base, {**values, **apart})
    return ParameterSet(name=set_name(values), digest=set_digest(bound), pipeline=selection.pipeline, changed=changed)


def _moved(data: DataPath, moved: Mapping[str, str], stage: Stage) -> str | None:
    """Where an input lies in a set: moved with the output that it is, or is part of; None when no set changes it.

    Raises:
        ParameterError: It is a folder of which only a part is moved, or cannot be set.
    """
    for key, place in moved.items():
        if data.key == key or data.key.startswith(f"{key}/"):
            if data.name not in {one.name for one in stage.parameters}:
                raise ParameterError(
                    f"stage '{stage.name}' always reads {data.uri}, which each set of the sweep writes elsewhere",
                    remedy=f"declare it in the notebook: {data.name}: Input = …",
                )
            return place + data.key.removeprefix(key)
        if key.startswith(f"{data.key}/"):
            raise ParameterError(
                f"stage '{stage.name}' reads the folder {data.uri}, of which the sweep changes only a part",
                remedy="let it read the file itself, or sweep a stage before the folder",
            )
    return None


def _own_outputs(stage: Stage) -> tuple[DataPath, ...]:
    """The stage's outputs, all of which a parameter of its notebook must set.

    Raises:
        ParameterError: One is written to a path that cannot be set.
    """
    settable = {one.name for one in stage.parameters if one.role is ParameterRole.OUTPUT}
    for output in stage.outputs:
        if output.name not in settable:
            raise ParameterError(
                f"stage '{stage.name}' always writes {output.uri}: the runs of a sweep would overwrite each other's",
                remedy=f"declare it in the notebook: {output.name}: Output = …",
            )
    return stage.outputs
