"""What a run was asked for, kept with the run, so that it can be asked for again exactly.

Values that were typed are kept as they were typed and read again by the declared type; others keep their Python type.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.errors import RunNotFoundError
from nightbook.notebooks.json_values import from_json, to_json
from nightbook.notebooks.parameters import RawString, Text
from nightbook.notebooks.types import ANY
from nightbook.notebooks.values import coerce
from nightbook.workflow.requests import RunRequest, SweepRequest
from nightbook.workflow.targets import is_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.records import Run
    from nightbook.runs.facts import RunFacts
    from nightbook.settings import Settings

REQUEST_TAG = "nightbook.request"


def remember(request: RunRequest) -> dict[str, str]:
    """The tag that a run is given; holds no path outside the project that was not typed so."""
    root = request.settings.root
    words = {
        "targets": [_portable(root, target) for target in request.targets],
        "parameters": encode_values(request.parameters),
        "is_forced": request.is_forced,
        "checkpoint": request.settings.checkpoint,
    }
    return {REQUEST_TAG: json.dumps(words, ensure_ascii=False, allow_nan=False)}


def remember_sweep(request: SweepRequest) -> dict[str, str]:
    """The tag that a sweep is given."""
    words = {
        **json.loads(remember(request.base)[REQUEST_TAG]),
        "sets": [encode_values(one) for one in request.sets],
        "objective": request.objective,
        "direction": request.direction,
    }
    return {REQUEST_TAG: json.dumps(words, ensure_ascii=False, allow_nan=False)}


def recall(settings: Settings, run: Run, facts: RunFacts) -> RunRequest:
    """The request that a pipeline or a lone notebook was run for.

    Raises:
        RunNotFoundError: The run does not say what it was asked for.
    """
    return _base(settings, _words(run, facts))


def recall_sweep(settings: Settings, run: Run, facts: RunFacts) -> SweepRequest:
    """The request that a sweep was made for, whose sets need not run when they have succeeded.

    Raises:
        RunNotFoundError: The sweep does not say what it was asked for.
    """
    words = _words(run, facts)
    return SweepRequest(
        base=replace(_base(settings, words), is_forced=False),
        sets=tuple(decode_values(one) for one in words["sets"]),
        objective=str(words["objective"]),
        direction=str(words["direction"]),
    )


def _words(run: Run, facts: RunFacts) -> dict[str, Any]:
    if REQUEST_TAG not in facts.tags:
        raise RunNotFoundError(f"{run.label} does not say what it was asked for", remedy="nightbook run")
    words: dict[str, Any] = json.loads(facts.tags[REQUEST_TAG])
    return words


def _base(settings: Settings, words: Mapping[str, Any]) -> RunRequest:
    return RunRequest(
        settings=replace(settings, checkpoint=settings.checkpoint or words.get("checkpoint", False)),
        targets=tuple(_found(settings.root, target) for target in words["targets"]),
        parameters=decode_values(words["parameters"]),
        is_forced=bool(words["is_forced"]),
    )


def encode_values(values: Mapping[str, object]) -> dict[str, object]:
    """Parameters as they were given, as strict JSON: `decode_values` gives back equal ones of the same types."""
    return {name: _encoded(value) for name, value in values.items()}


def decode_values(words: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Parameters as they were given."""
    return {name: _decoded(word) for name, word in words.items()}


def _encoded(value: object) -> dict[str, object]:
    match value:
        case Text():
            return {"typed": value.value}
        case RawString():
            return {"string": value.value}
    return {"value": to_json(ANY, coerce(ANY, value))}


def _decoded(word: Mapping[str, object]) -> object:
    if "typed" in word:
        return Text(value=str(word["typed"]))
    if "string" in word:
        return RawString(value=str(word["string"]))
    return from_json(ANY, word["value"])


def _portable(root: Path, target: str) -> str:
    """A file within the project by its place there, whatever the working directory was."""
    path = Path(target).absolute()
    if not is_file_name(target) or not path.exists():
        return target
    return f"./{os.path.relpath(path, root)}" if path.is_relative_to(root) else str(path)


def _found(root: Path, target: str) -> str:
    return str(root / target) if is_file_name(target) and (root / target).exists() else target
