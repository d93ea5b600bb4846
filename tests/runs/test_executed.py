from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from nightbook.records import Cause, CellStatus, RunStatus
from nightbook.runs.events import Event, EventKind
from nightbook.runs.executed import (
    Ending,
    cells_of,
    compose_notebook,
    prepared_notebook,
    source_indices,
    trace_events,
)
from nightbook.runs.judge import Judgement
from nightbook.runs.request import PREPARED, SOURCE

if TYPE_CHECKING:
    from pathlib import Path


def event(kind: EventKind, at: float, **fields: Any) -> Event:
    return Event(kind=kind, at=at, fields=fields)


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def change(kept: int, output: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "kept": kept, "output": output}


def raised(ename: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": ename, "evalue": "", "traceback": [ename]}


def ended(position: int, at: float, status: str = "succeeded", **fields: Any) -> Event:
    told = {"outputs": [printed(str(position))], "execution_count": position, **fields}
    return event(EventKind.CELL_ENDED, at, position=position, status=status, **told)


def prepared(*, is_numbered: bool = True) -> dict[str, Any]:
    """Markdown, parameters, injected parameters, and two cells more."""
    notebook: dict[str, Any] = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title"),
            nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("n = 2", metadata={"tags": ["injected-parameters"]}),
            nbformat.v4.new_code_cell("print(n)"),
            nbformat.v4.new_code_cell("print(n + 1)"),
        ]
    )
    if is_numbered:
        for position, index in ((0, 0), (1, 1), (3, 2), (4, 3)):
            notebook["cells"][position]["metadata"]["nightbook"] = {"index": index}
    whole: dict[str, Any] = json.loads(json.dumps(notebook))
    return whole


def compose(events: list[Event], judgement: Judgement) -> dict[str, Any]:
    ending = Ending(run_id="r1", judgement=judgement, ended_at=datetime(2026, 1, 1, tzinfo=UTC))
    notebook = compose_notebook(prepared(), trace_events(events), ending)
    nbformat.validate(nbformat.from_dict(notebook))
    return notebook


TIMEOUT = Judgement(status=RunStatus.FAILED, cause=Cause.TIMEOUT, message="a cell took too long")
STARTS = [event(EventKind.CELL_STARTED, 1, position=1), ended(1, 2), event(EventKind.CELL_STARTED, 3, position=2)]


def test_cells_are_numbered_as_in_the_source_notebook() -> None:
    assert source_indices(prepared()) == {0: 0, 1: 1, 2: None, 3: 2, 4: 3}
    assert source_indices(prepared(is_numbered=False)) == {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


def test_a_killed_run_shows_what_it_did_and_where_it_stopped() -> None:
    events = [
        *STARTS,
        ended(2, 4),
        event(EventKind.CELL_STARTED, 5, position=3),
        event(EventKind.OUTPUTS_CHANGED, 6, position=3, count=1, changes=[change(0, printed("ha"))]),
        event(EventKind.OUTPUTS_CHANGED, 7, position=3, count=1, changes=[change(2, printed("lf"))]),
    ]
    notebook = compose(events, Judgement(status=RunStatus.LOST, cause=Cause.LOST, message="gone"))
    told = notebook["metadata"]["nightbook"]
    assert told.pop("engine") == told.pop("engine_reason") == ""
    assert told == {"run_id": "r1", "status": "lost", "cause": "lost", "message": "gone"}
    stopped, never = notebook["cells"][3], notebook["cells"][4]
    assert stopped["outputs"][0] == printed("half")
    assert (stopped["outputs"][1]["ename"], stopped["outputs"][1]["evalue"]) == ("Lost", "gone")
    assert stopped["metadata"]["nightbook"] == {"index": 2, "status": "failed", "duration_seconds": None}
    assert stopped["metadata"]["papermill"]["exception"] is True
    assert never["metadata"]["nightbook"]["status"] == "not_run"
    assert (never["outputs"], never["execution_count"]) == ([], None)
    assert [(one.index, one.status) for one in cells_of(notebook)] == [
        (1, CellStatus.SUCCEEDED),
        (2, CellStatus.FAILED),
        (3, CellStatus.NOT_RUN),
    ]


def test_a_cell_that_only_knows_of_an_interruption_tells_its_reason_too() -> None:
    interrupted = ended(2, 4, "failed", ename="KeyboardInterrupt", outputs=[raised("KeyboardInterrupt")])
    errors = compose([*STARTS, interrupted], TIMEOUT)["cells"][2]["outputs"]
    assert [(one["ename"], one["evalue"]) for one in errors] == [
        ("KeyboardInterrupt", ""),
        ("Timeout", "a cell took too long"),
    ]


def test_a_cell_error_stands_alone() -> None:
    judgement = Judgement(status=RunStatus.FAILED, cause=Cause.CELL_ERROR, message="ValueError")
    errors = compose([*STARTS, ended(2, 4, "failed", ename="ValueError", outputs=[raised("ValueError")])], judgement)
    assert [one["ename"] for one in errors["cells"][2]["outputs"]] == ["ValueError"]


def test_what_papermill_would_have_claimed_is_made_true() -> None:
    notebook = compose([*STARTS, ended(2, 4)], TIMEOUT)
    claims = [cell["metadata"]["papermill"]["status"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert claims == ["completed", "completed", "pending", "pending"]
    assert notebook["metadata"]["papermill"]["exception"] is True
    assert "nightbook" not in notebook["cells"][0]["metadata"]


def test_what_a_later_cell_changed_in_an_earlier_one_shows() -> None:
    update = event(EventKind.OUTPUTS, 5, position=1, outputs=[printed("changed later")])
    notebook = compose([*STARTS, ended(2, 4), update], TIMEOUT)
    assert notebook["cells"][1]["outputs"] == [printed("changed later")]
    assert notebook["cells"][1]["metadata"]["nightbook"]["status"] == "succeeded"


def test_the_kernels_language_and_the_widgets_state_are_kept() -> None:
    metadata = {"language_info": {"name": "python"}, "widgets": None}
    notebook = compose([*STARTS, event(EventKind.ENDED, 9, metadata=metadata)], TIMEOUT)
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert "widgets" not in notebook["metadata"]


def test_the_language_is_that_of_the_kernel_that_died_not_the_one_that_the_notebook_was_saved_with() -> None:
    ready = event(EventKind.KERNEL_READY, 1, language_info={"name": "python", "version": "3.11.2"})
    assert compose([ready, *STARTS], TIMEOUT)["metadata"]["language_info"]["version"] == "3.11.2"
    saved = prepared()
    saved["metadata"]["language_info"] = {"name": "python", "version": "2.7"}
    ending = Ending(run_id="r1", judgement=TIMEOUT, ended_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert "language_info" not in compose_notebook(saved, trace_events([]), ending)["metadata"]


@pytest.mark.parametrize(("name", "title"), [(SOURCE, "# Title"), (PREPARED, "# Prepared")])
def test_the_prepared_notebook_is_the_base_once_there_is_one(tmp_path: Path, name: str, title: str) -> None:
    notebook = prepared()
    (tmp_path / SOURCE).write_text(json.dumps(notebook))
    notebook["cells"][0]["source"] = title
    (tmp_path / name).write_text(json.dumps(notebook))
    assert prepared_notebook(tmp_path)["cells"][0]["source"] == title
