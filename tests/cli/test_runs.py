from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nightbook.records import Run, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIELDS = set(Run(run_id="", number=0, kind=RunKind.STAGE, status=RunStatus.FAILED).to_json())

pytestmark = pytest.mark.usefixtures("in_project")


def test_the_list_folds_the_parts_of_pipelines(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "list")
    assert said.code == 0
    assert [line.split()[:3] for line in said.lines[1:]] == [
        ["7", "lone", "✗"],
        ["5", "pipeline", "✓"],
        ["1", "pipeline", "✗"],
    ]
    assert "3 runs: 2 succeeded, 1 failed" in said.lines[-1]


def test_the_list_unfolds_on_request(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "list", "-a")
    assert [line.split()[:3] for line in said.lines[1:]] == [
        ["7", "lone", "✗"],
        ["5", "pipeline", "✓"],
        ["6", "└", "fit"],
        ["1", "pipeline", "✗"],
        ["2", "├", "make"],
        ["3", "├", "fit"],
        ["4", "└", "check"],
    ]


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), [7, 6, 5, 4, 3, 2, 1]),
        (("--stage", "fit"), [6, 3]),
        (("--status", "failed", "--kind", "stage"), [7, 4]),
        (("--limit", "1"), [7]),
    ],
)
def test_the_list_as_json_holds_every_record_that_fits(
    nightbook: Callable[..., Any], arguments: tuple[str, ...], numbers: list[int]
) -> None:
    document = nightbook("runs", "list", "--json", *arguments).document
    assert [one["number"] for one in document["runs"]] == numbers
    assert all(set(one) == FIELDS for one in document["runs"])


def test_an_empty_list_says_so(nightbook: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no run fits" in nightbook("runs", "list", "--stage", "nobody").err
    monkeypatch.chdir(tmp_path)
    assert "nightbook run" in nightbook("runs", "list").err
    assert nightbook("runs", "list", "--json").document == {"runs": []}


def test_a_run_is_shown_in_full(nightbook: Callable[..., Any]) -> None:
    lines = nightbook("runs", "show", "6").lines
    assert lines[0] == "fit #6 ✓ succeeded"
    assert "part of pipeline #5" in lines
    assert "notebook notebooks/fit.ipynb" in lines
    assert "engine fork" in lines
    assert "alpha 0.5" in lines
    assert "error 1.5 1 time lower is better" in lines
    assert any(line.startswith("data/model.txt 3 B") for line in lines)
    assert lines[-1] == "open its report: nightbook report 6"


def test_a_failed_run_says_why(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "show", "check@latest")
    assert "cause A cell raised an error" in said.lines
    assert "AssertionError: nobody allowed it" in said.out
    assert any(line.startswith("2 failed") for line in said.lines)


def test_a_pipeline_is_shown_with_its_stages(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "show", "1")
    assert "check.day 2026-03-29" in said.lines
    assert [line.split()[1] for line in said.lines if line.startswith(("2 ", "3 ", "4 "))] == ["make", "fit", "check"]


def test_a_record_as_json_is_exactly_the_documented_one(nightbook: Callable[..., Any]) -> None:
    record = nightbook("runs", "show", "fit@latest", "--json").document
    assert set(record) == FIELDS
    assert record["number"] == 6
    assert record["metrics"] == {"error": 1.5, "size": 3.0}


def test_logs_are_printed_cell_by_cell(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "logs", "4")
    assert said.lines[:3] == ["── check #4 · cell 1", "checking 2026-03-29 date '007'", "── check #4 · cell 2"]
    # No escape sequences where no terminal is.
    assert "\x1b" not in said.out
    assert nightbook("runs", "logs", "-f", "4").out == said.out


def test_the_logs_of_a_pipeline_say_how_each_stage_ended(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "logs", "1")
    assert "── make #2 · end" in said.lines
    ends = [said.lines[place + 1] for place, line in enumerate(said.lines) if line.endswith("· end")]
    assert [end.split()[0] for end in ends] == ["succeeded", "succeeded", "failed"]
    assert ends[2].endswith("AssertionError: nobody allowed it (in cell 2)")
    assert nightbook("runs", "logs", "-f", "1").out == said.out


def test_logs_as_json_hold_each_cells_text_in_one_piece(nightbook: Callable[..., Any]) -> None:
    document = nightbook("runs", "logs", "4", "--json").document
    parts = document["parts"]
    assert [one["heading"] for one in parts][:2] == ["cell 1", "cell 2"]
    assert parts[0] == {
        "run_id": document["run_id"],
        "stage": "check",
        "heading": "cell 1",
        "text": "checking 2026-03-29 date '007'\n",
    }
    assert "nobody allowed it" in parts[1]["text"]
    assert "\x1b" not in parts[1]["text"]
    assert nightbook("runs", "logs", "4", "-f", "--json").document == document
    assert {one["stage"] for one in nightbook("runs", "logs", "1", "--json").document["parts"]} >= {"make", "fit"}


def test_runs_are_compared_by_what_differs(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "compare", "3", "6")
    assert "alpha 0.25 0.5" in said.lines
    assert "error 0.75 1.50 +0.75 ✗ worse" in said.lines
    assert "size 3 3 ±0 same" in said.lines
    assert not any(line.startswith("numbers") for line in said.lines)
    assert "parameters: the same" in nightbook("runs", "compare", "3", "3").out
    assert nightbook("runs", "compare", "3", "6", "--json").document["parameters"] == {"alpha": [0.25, 0.5]}


def test_cancelling_what_has_ended_changes_nothing(nightbook: Callable[..., Any]) -> None:
    said = nightbook("runs", "cancel", "6")
    assert (said.code, said.out) == (0, "fit #6 had already ended: succeeded\n")


def test_cancelling_a_run_of_another_machine_ends_with_5(
    nightbook: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger.open(load_settings(tmp_path, environment={}).ledger) as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.STAGE, stage="fit"))
        ledger.start(run.run_id, SupervisorProcess(host="node7", pid=1, pid_started_at=0.0, pid_space="another"))
    said = nightbook("runs", "cancel", "latest")
    assert said.code == 5
    assert "try: on node7: nightbook runs cancel 1" in said.err
