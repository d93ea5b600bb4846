"""Where a run may go on that resumes another one: at the last checkpoint whose past is also the run's own.

Decided when the kernel is wanted, by what the other run has left. A checkpoint that is gone or whose past differs is
passed over for an earlier one, also of the run that the other one had gone on from.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.errors import StorageError
from nightbook.files import file_state
from nightbook.runs.checkpoint_sockets import checkpoint_place
from nightbook.runs.checkpoints import Checkpoint, Resumed, read_checkpoints, state_of, with_origins
from nightbook.runs.containment import choose_containment
from nightbook.runs.executed import prepared_notebook
from nightbook.runs.journal import is_executable
from nightbook.runs.request import FORK, REQUEST, ExecutionRequest, Unfinished
from nightbook.runs.shared_cells import TakenCells, index_of
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.kernels import fork_kernel
from nightbook.runs.warm.places import KERNEL, place_of, secret_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nightbook.runs.warm.kernels import KernelEnds


@dataclass(frozen=True, slots=True)
class Past:
    """What a run has executed, or would: its code cells with the injected parameters, in order.

    Attributes:
        positions: Of each in its notebook.
        indices: Of each in the source notebook; None for the injected parameters.
        sources: Of each.
    """

    positions: tuple[int, ...]
    indices: tuple[int | None, ...]
    sources: tuple[str, ...]

    @classmethod
    def of(cls, cells: Sequence[Mapping[str, Any]]) -> Past:
        """Of a prepared notebook."""
        found = [
            (position, index_of(cell), cell["source"]) for position, cell in enumerate(cells) if is_executable(cell)
        ]
        positions, indices, sources = zip(*found, strict=True) if found else ((), (), ())
        return cls(positions, indices, tuple("".join(one) for one in sources))


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """A kernel that has executed what the run would have executed first.

    Attributes:
        ends: Our ends of what connects us with it; None when the run begins from the start.
        taken: What it has executed.
        resumed: The same in words.
    """

    ends: KernelEnds | None
    taken: TakenCells | None
    resumed: Resumed


def continue_from(
    request: ExecutionRequest, unfinished: Unfinished, cells: Sequence[Mapping[str, Any]]
) -> Continuation:
    """A kernel of the last checkpoint that can be used; or the words that say why there is none."""
    ours, passed_over = Past.of(cells), ""
    if request.engine != FORK:
        return _from_the_start(f"the {request.engine} engine goes on from no checkpoint")
    for origin in with_origins(unfinished):
        for checkpoint in reversed(read_checkpoints(Path(origin.folder)).made):
            theirs = Past.of(prepared_notebook(Path(origin.folder))["cells"])
            reason = checkpoint.ended or why_not_continued(request, origin, checkpoint, (theirs, ours))
            ends = None if reason else _fork(request, checkpoint)
            if ends is not None:
                return _continuation(ends, origin, checkpoint, (theirs, ours), passed_over)
            passed_over = passed_over or f"{_before(checkpoint.cell)} cannot be used: {reason or 'it is gone'}"
    return _from_the_start(passed_over or f"no checkpoint of {unfinished.label} is left")


def _from_the_start(reason: str) -> Continuation:
    resumed = Resumed(run_id="", label="", cell=None, reason=f"runs from the start: {reason}")
    return Continuation(ends=None, taken=None, resumed=resumed)


def why_not_continued(
    request: ExecutionRequest, origin: Unfinished, checkpoint: Checkpoint, pasts: tuple[Past, Past]
) -> str:
    """Why a run is not what it would be had it come this far itself; empty when it is.

    Args:
        request: What is to be executed.
        origin: The run that left the checkpoint.
        checkpoint: It.
        pasts: What that run had executed or would have, and what this one would.
    """
    theirs, ours = pasts
    count = _executed(theirs, checkpoint)
    cells = zip(theirs.indices[:count], theirs.sources, ours.indices, ours.sources, strict=False)
    for index, source, our_index, our_source in cells:
        if (index is None) != (our_index is None) or (index is None and source != our_source):
            return "the parameters are others"
        if source != our_source:
            return f"cell {our_index} has changed"
    if len(ours.sources) < count:
        return "cells before it are gone"
    return (
        _other_circumstances(request, origin)
        or _other_environment(request, checkpoint)
        or next(
            (f"{file} has changed" for file, state in checkpoint.modules.items() if file_state(Path(file)) != state), ""
        )
        or next(
            (f"{path} has changed" for path, state in checkpoint.outputs.items() if state_of(Path(path)) != state), ""
        )
    )


def _executed(past: Past, checkpoint: Checkpoint) -> int:
    return sum(1 for _ in takewhile(lambda position: position < checkpoint.position, past.positions))


def _other_circumstances(request: ExecutionRequest, origin: Unfinished) -> str:
    """What was asked for differently."""
    try:
        before = ExecutionRequest.read(Path(origin.folder) / REQUEST)
    except (OSError, ValueError, KeyError, TypeError):
        return f"what {origin.label} was asked for cannot be read"
    if [(pin.uri, pin.version, pin.digest) for pin in before.inputs] != [
        (pin.uri, pin.version, pin.digest) for pin in request.inputs
    ]:
        return "the inputs have changed"
    if before.kernel_name != request.kernel_name:
        return "the kernel is another"
    if before.working_directory != request.working_directory:
        return "the notebook lies elsewhere"
    # A process cannot raise the limit that it has once been given.
    return "the memory limit is another" if before.limits.memory_bytes != request.limits.memory_bytes else ""


def _other_environment(request: ExecutionRequest, checkpoint: Checkpoint) -> str:
    place = place_of(KERNEL, os.environ, root=request.warm_root, secrets=secret_variables(request.secrets))
    if place.circumstances == checkpoint.place:
        return ""
    return "packages, environment variables or the limits of the process have changed"


def _fork(request: ExecutionRequest, checkpoint: Checkpoint) -> KernelEnds | None:
    try:
        return fork_kernel(
            checkpoint_place(checkpoint.key),
            present_surroundings(request.working_directory, request.limits.memory_bytes),
            choose_containment(request.containment),
            log=sys.stdout.fileno(),
            is_parent_started=False,
        )
    except StorageError:
        return None


def _continuation(
    ends: KernelEnds, origin: Unfinished, checkpoint: Checkpoint, pasts: tuple[Past, Past], passed_over: str
) -> Continuation:
    theirs, ours = pasts
    count = _executed(theirs, checkpoint)
    behind = ours.positions[count:]
    taken = TakenCells(
        folder=Path(origin.folder),
        positions=dict(zip(theirs.positions[:count], ours.positions, strict=False)),
        end=behind[0] if behind else ours.positions[-1] + 1,
        written=frozenset(checkpoint.outputs),
    )
    cell = ours.indices[count] if behind else None
    where = f"before {'the parameters' if cell is None else f'cell {cell}'}" if behind else "behind the last cell"
    reason = f"continues {where} from {origin.label}: {_span(ours.indices[:count])} taken over"
    note = f" ({passed_over})" if passed_over else ""
    return Continuation(
        ends=ends,
        taken=taken,
        resumed=Resumed(run_id=origin.run_id, label=origin.label, cell=cell, reason=reason + note),
    )


def _span(indices: Sequence[int | None]) -> str:
    cells = [index for index in indices if index is not None]
    if not cells:
        return "the parameters are"
    return f"cell {cells[0]} is" if len(cells) == 1 else f"cells {cells[0]} to {cells[-1]} are"


def _before(cell: int | None) -> str:
    return "the checkpoint before the parameters" if cell is None else f"the checkpoint before cell {cell}"
