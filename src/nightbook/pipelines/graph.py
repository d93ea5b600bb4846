"""The pipeline: stages in an order, connected by the data between them."""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError, nearest
from nightbook.pipelines.stage import DataPath, Stage, load_stage, load_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nightbook.settings import Settings

__all__ = ["DataPath", "Pipeline", "Stage", "build_pipeline", "check_data", "connect", "load_stage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Stages and what connects them.

    Attributes:
        stages: In an order in which they can run; among equals by leading number, then by name.
        upstream: The stages directly before each.
        downstream: The stages directly behind each.
        writers: For each stage, the stages that write each of its inputs, by the input's key.
    """

    stages: Mapping[str, Stage]
    upstream: Mapping[str, tuple[str, ...]]
    downstream: Mapping[str, tuple[str, ...]]
    writers: Mapping[str, Mapping[str, tuple[str, ...]]]

    def needed_for(self, names: Iterable[str]) -> tuple[str, ...]:
        """The named stages and all that come before them, in order; no names stand for the whole pipeline.

        Raises:
            PipelineError: There is no stage of that name.
        """
        return self._closure(names, self.upstream) or tuple(self.stages)

    def depending_on(self, names: Iterable[str]) -> tuple[str, ...]:
        """The named stages and all that come behind them, in order."""
        return self._closure(names, self.downstream)

    def _closure(self, names: Iterable[str], neighbours: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        waiting, found = list(names), set[str]()
        while waiting:
            name = waiting.pop()
            if name not in self.stages:
                raise PipelineError(f"unknown stage '{name}'", remedy=nearest(name, self.stages))
            if name not in found:
                found.add(name)
                waiting.extend(neighbours[name])
        return tuple(name for name in self.stages if name in found)


def build_pipeline(settings: Settings, given: Mapping[str, Mapping[str, object]] | None = None) -> Pipeline:
    """Load the project's stages and connect them.

    Args:
        settings: The project.
        given: Values for parameters, by stage.

    Raises:
        NotebookError: A stage's file is no notebook.
        ParameterError: A value does not fit what a notebook declares.
        PipelineError: Two stages have one name or write the same data, an edge names no stage, or there is a cycle.
    """
    return connect(load_stages(settings, given or {}))


def connect(stages: Iterable[Stage]) -> Pipeline:
    """Join stages where one reads what another writes: the same path, or one inside the other.

    Raises:
        PipelineError: Two stages write the same data, an edge names no stage, or there is a cycle.
    """
    named = {stage.name: stage for stage in stages}
    written = _written(named.values())
    keys = sorted(written)
    writers = {
        name: {one.key: tuple(dict.fromkeys(_writers(one.key, written, keys))) for one in stage.inputs}
        for name, stage in named.items()
    }
    upstream = {
        name: tuple(dict.fromkeys((*(one for found in writers[name].values() for one in found), *_after(stage, named))))
        for name, stage in named.items()
    }
    downstream: dict[str, list[str]] = {name: [] for name in named}
    for name, befores in upstream.items():
        for before in befores:
            downstream[before].append(name)
    behind = {name: tuple(found) for name, found in downstream.items()}
    ordered = {name: named[name] for name in _order(named, upstream, behind)}
    return Pipeline(stages=ordered, upstream=upstream, downstream=behind, writers=writers)


def check_data(pipeline: Pipeline, names: Iterable[str]) -> None:
    """Make sure that stages can find what nobody writes for them, and can write where they want to.

    Raises:
        PipelineError: An input does not exist and no stage writes it, or an output's folder cannot be written.
    """
    for name in names:
        stage = pipeline.stages[name]
        for data in stage.inputs:
            if data.path is not None and not pipeline.writers[name][data.key] and not data.path.exists():
                raise _missing(stage, data, pipeline)
        for data in stage.outputs:
            if data.path is not None:
                _check_writable(stage, data, data.path)


def _written(stages: Iterable[Stage]) -> dict[str, str]:
    """The stage that writes each key; a path inside a folder that another stage writes would change it."""
    written: dict[str, Stage] = {}
    for stage in stages:
        for data in stage.outputs:
            other = written.setdefault(data.key, stage)
            if other is not stage:
                raise PipelineError(
                    f"the stages '{other.name}' and '{stage.name}' both write {data.uri}",
                    remedy=f"give '{data.name}' another path in one of them",
                )
    outer = ""
    for key in sorted(written, key=lambda key: key.split("/")):
        if not outer or not key.startswith(f"{outer}/"):
            outer = key
        elif written[outer] is not written[key]:
            raise PipelineError(
                f"the stage '{written[outer].name}' writes the folder {outer}, inside which "
                f"the stage '{written[key].name}' writes {key}",
                remedy="write to separate folders",
            )
    return {key: stage.name for key, stage in written.items()}


def _writers(key: str, written: Mapping[str, str], keys: list[str]) -> Iterator[str]:
    if key in written:
        yield written[key]
    parent = key.rpartition("/")[0]
    while parent:
        if parent in written:
            yield written[parent]
        parent = parent.rpartition("/")[0]
    inside = f"{key}/"
    for other in keys[bisect_left(keys, inside) :]:
        if not other.startswith(inside):
            return
        yield written[other]


def _after(stage: Stage, stages: Mapping[str, Stage]) -> tuple[str, ...]:
    for name in stage.after:
        if name not in stages:
            raise PipelineError(
                f"the stage '{stage.name}' is set to run after '{name}', which is no stage",
                remedy=nearest(name, stages),
            )
    return stage.after


def _order(
    stages: Mapping[str, Stage], upstream: Mapping[str, tuple[str, ...]], downstream: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    waits_for = {name: len(befores) for name, befores in upstream.items()}
    ready = [(stages[name].rank, name) for name, count in waits_for.items() if count == 0]
    heapify(ready)
    while ready:
        _, name = heappop(ready)
        del waits_for[name]
        yield name
        for behind in downstream[name]:
            waits_for[behind] -= 1
            if waits_for[behind] == 0:
                heappush(ready, (stages[behind].rank, behind))
    if waits_for:
        raise _cycle(waits_for, upstream)


def _cycle(left: Mapping[str, int], upstream: Mapping[str, tuple[str, ...]]) -> PipelineError:
    """Every stage that is left waits for another that is left, so walking upstream must come round."""
    path = [min(left)]
    while path[-1] not in path[:-1]:
        path.append(next(before for before in upstream[path[-1]] if before in left))
    circle = path[path.index(path[-1]) :]
    start = circle.index(min(circle[:-1]))
    turned = [*circle[start:-1], *circle[:start], circle[start]]
    return PipelineError(
        f"the stages wait for each other: {' -> '.join(reversed(turned))}",
        remedy="let one of them write to a path of its own",
    )


def _missing(stage: Stage, data: DataPath, pipeline: Pipeline) -> PipelineError:
    message = f"the stage '{stage.name}' reads {data.uri} ('{data.name}'), which does not exist and no stage writes"
    known = [one.uri for other in pipeline.stages.values() for one in other.outputs]
    words = nearest(data.uri, known)
    if words.startswith("did you mean"):
        return PipelineError(message, remedy=words)
    name = PurePosixPath(data.uri).name
    return PipelineError(message, remedy=f"put {name} there, or declare it as Output in the notebook that writes it")


def _check_writable(stage: Stage, data: DataPath, path: Path) -> None:
    existing = path
    while not existing.exists():
        existing = existing.parent
    if existing != path and not existing.is_dir():
        reason = f"{existing} is no folder"
    elif not os.access(existing, os.W_OK):
        reason = f"{existing} may not be written"
    else:
        return
    raise PipelineError(
        f"the stage '{stage.name}' cannot write {data.uri} ('{data.name}'): {reason}",
        remedy=f"choose another path for '{data.name}', or change who may write there",
    )
