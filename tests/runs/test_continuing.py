from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.files import file_state
from nightbook.records import Limits, Pin
from nightbook.runs.checkpoints import Checkpoint, Checkpoints, state_of
from nightbook.runs.continuing import Past, continue_from, why_not_continued
from nightbook.runs.request import FORK, PREPARED, REQUEST, ExecutionRequest, Unfinished
from nightbook.runs.warm.places import KERNEL, place_of

if TYPE_CHECKING:
    from tests.warmth import WarmFolder


def cells(*sources: str, injected: str = "") -> list[dict[str, Any]]:
    """A prepared notebook's, with a heading; the injected parameters stand behind the first code cell."""
    made = [{"cell_type": "markdown", "source": "A heading", "metadata": {"nightbook": {"index": 0}}}]
    for index, source in enumerate(sources, 1):
        made.append({"cell_type": "code", "source": source, "metadata": {"nightbook": {"index": index}}})
        if index == 1 and injected:
            made.append({"cell_type": "code", "source": injected, "metadata": {}})
    return made


@pytest.fixture
def request_of_a_run(tmp_path: Path, warm: WarmFolder) -> ExecutionRequest:
    assert warm.path.is_dir()
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    own = {"run_id": "r", "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    return ExecutionRequest(**known, **own, engine=FORK)  # type: ignore[arg-type]  # of the fields' own types


@pytest.fixture
def origin(request_of_a_run: ExecutionRequest, tmp_path: Path) -> Unfinished:
    """A run that was asked for the same."""
    folder = tmp_path / "before"
    folder.mkdir()
    replace(request_of_a_run, folder=str(folder)).write(folder / REQUEST)
    return Unfinished(run_id="before", label="train #12", folder=str(folder))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """The one that it left before its third code cell."""
    place = place_of(KERNEL, os.environ, root=str(tmp_path)).circumstances
    return Checkpoint(key="checkpoint-before-3", position=3, cell=3, made_at=1.0, saves_seconds=1.0, place=place)


BEFORE = cells("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (BEFORE, ""),
        (cells("a", "b", "other", "new", "d"), ""),
        (cells("a", "b"), ""),
        (BEFORE[1:], ""),
        (cells("a", "other", "c", "d"), "cell 2 has changed"),
        (cells("a"), "cells before it are gone"),
        (cells("a", "b", "c", injected="n = 1"), "the parameters are others"),
    ],
)
def test_what_comes_before_has_to_be_the_same_and_what_comes_behind_may_change(
    request_of_a_run: ExecutionRequest,
    origin: Unfinished,
    checkpoint: Checkpoint,
    now: list[dict[str, Any]],
    reason: str,
) -> None:
    pasts = (Past.of(BEFORE), Past.of(now))
    assert why_not_continued(request_of_a_run, origin, checkpoint, pasts) == reason


def test_the_values_of_the_parameters_count(
    request_of_a_run: ExecutionRequest, origin: Unfinished, checkpoint: Checkpoint
) -> None:
    one, other = (Past.of(cells("a", "b", "c", injected=values)) for values in ("n = 1", "n = 2"))
    assert why_not_continued(request_of_a_run, origin, checkpoint, (one, one)) == ""
    assert why_not_continued(request_of_a_run, origin, checkpoint, (one, other)) == "the parameters are others"


def test_what_was_asked_for_has_to_be_the_same(
    request_of_a_run: ExecutionRequest, origin: Unfinished, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pasts = (Past.of(BEFORE), Past.of(BEFORE))
    others = {
        "the inputs have changed": replace(request_of_a_run, inputs=(Pin(name="n", uri="u", digest="d"),)),
        "the kernel is another": replace(request_of_a_run, kernel_name="other"),
        "the notebook lies elsewhere": replace(request_of_a_run, working_directory="/elsewhere"),
        "the memory limit is another": replace(request_of_a_run, limits=Limits(memory_bytes=10)),
    }
    for reason, request in others.items():
        assert why_not_continued(request, origin, checkpoint, pasts) == reason
    monkeypatch.setenv("WHAT_LIBRARIES_READ", "1")
    reason = why_not_continued(request_of_a_run, origin, checkpoint, pasts)
    assert reason == "packages, environment variables or the limits of the process have changed"
    (Path(origin.folder) / REQUEST).unlink()
    reason = why_not_continued(request_of_a_run, origin, checkpoint, pasts)
    assert reason == "what train #12 was asked for cannot be read"


@pytest.mark.parametrize("kind", ["modules", "outputs"])
def test_files_that_it_relies_on_have_to_be_as_they_were(
    request_of_a_run: ExecutionRequest, origin: Unfinished, checkpoint: Checkpoint, tmp_path: Path, kind: str
) -> None:
    pasts = (Past.of(BEFORE), Past.of(BEFORE))
    file = tmp_path / "file"
    file.write_text("1")
    states = {str(file): file_state(file) if kind == "modules" else state_of(file)}
    relying = replace(checkpoint, modules=states) if kind == "modules" else replace(checkpoint, outputs=states)
    assert why_not_continued(request_of_a_run, origin, relying, pasts) == ""
    file.write_text("22")
    assert why_not_continued(request_of_a_run, origin, relying, pasts) == f"{file} has changed"


def test_where_none_is_left_the_run_begins_from_the_start_and_says_so(
    request_of_a_run: ExecutionRequest, origin: Unfinished, checkpoint: Checkpoint
) -> None:
    (Path(origin.folder) / PREPARED).write_text(json.dumps({"cells": BEFORE, "metadata": {}}))
    for left, said in (
        (Checkpoints(), "no checkpoint of train #12 is left"),
        (Checkpoints(made=(checkpoint,)), "the checkpoint before cell 3 cannot be used: it is gone"),
        (
            Checkpoints(made=(replace(checkpoint, ended="too much"),)),
            "the checkpoint before cell 3 cannot be used: too much",
        ),
    ):
        left.write(Path(origin.folder))
        continuation = continue_from(request_of_a_run, origin, BEFORE)
        assert (continuation.ends, continuation.taken) == (None, None)
        assert continuation.resumed.reason == f"runs from the start: {said}"
        assert continuation.resumed.run_id == ""
