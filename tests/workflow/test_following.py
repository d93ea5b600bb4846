from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import RunNotFoundError
from nightbook.records import RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, Outcome, SupervisorProcess
from nightbook.settings import Settings, load_settings
from nightbook.workflow.following import FollowedRun, follow_log, read_log, text_of_outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def settings(finished_project: Path) -> Settings:
    return load_settings(finished_project, environment={})


def test_a_log_is_told_cell_by_cell_as_the_source_counts_them(settings: Settings) -> None:
    parts = [(one.run.stage, one.heading, one.text) for one in read_log(settings, "4")]
    assert parts[0] == ("check", "cell 1", "checking 2026-03-29 date '007'\n")
    assert parts[1][:2] == ("check", "cell 2")
    assert "AssertionError" in parts[1][2]


def test_the_log_of_a_pipeline_is_that_of_its_stages(settings: Settings) -> None:
    told = [one for one in read_log(settings, "1") if one.heading.startswith("cell")]
    assert list(dict.fromkeys((one.run.stage, one.heading) for one in told)) == [
        ("make", "cell 1"),
        ("fit", "cell 2"),
        ("fit", "cell 3"),
        ("check", "cell 1"),
        ("check", "cell 2"),
    ]
    ends = [one.text.split()[0] for one in read_log(settings, "1") if one.heading == "end"]
    assert ends == ["succeeded", "succeeded", "failed"]
    assert told[0].text == "made 3\n"


def test_following_a_run_that_has_ended_tells_the_same(settings: Settings) -> None:
    assert list(follow_log(settings, "1")) == list(read_log(settings, "1"))
    assert {one.text for one in follow_log(settings, "4")} == {one.text for one in read_log(settings, "4")}


def test_files_that_are_elsewhere_are_named(settings: Settings) -> None:
    elsewhere = load_settings(
        settings.root, environment={"NIGHTBOOK_STATE": "other", "NIGHTBOOK_LEDGER": settings.ledger}
    )
    with pytest.raises(RunNotFoundError, match="the files of check #4 are not here"):
        list(read_log(elsewhere, "4"))


def test_a_run_is_followed_while_it_goes_on(tmp_path: Path, new_notebook: Callable[..., Path]) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go-on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    # Opening a FIFO waits until the other side does: the test and the notebook meet twice.
    notebook = new_notebook(
        tmp_path / "slow.ipynb",
        "times: int = 1",
        # The second line comes too soon after the first to be told with it, and then nothing comes for long.
        "import time\nprint('one', flush=True)\ntime.sleep(0.3)\nprint('more', flush=True)\n"
        f"open({str(started)!r}, 'w').close()\nopen({str(go_on)!r}).read()\nprint('two')",
    )
    command = [sys.executable, "-m", "nightbook", "run", str(notebook)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        started.read_text(encoding="utf-8")
        parts = follow_log(load_settings(tmp_path, environment={}), "latest")
        text = next(parts).text
        while text != "one\nmore\n":
            text += next(parts).text
        go_on.write_text("go on", encoding="utf-8")
        assert next(parts).text == "two\n"
        assert [one.heading for one in parts if one.heading.startswith("cell")] == []
    assert process.returncode == 0


def test_of_many_parts_only_those_that_go_on_are_looked_at(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environment={})
    with Ledger.open(settings.ledger) as ledger:

        def begin(kind: RunKind, parent: str | None = None) -> str:
            run_id = ledger.create_run(NewRun(kind=kind, stage="fit", parent_run_id=parent)).run_id
            ledger.start(run_id, SupervisorProcess.this())
            return run_id

        def end(run_id: str) -> None:
            ledger.finish(run_id, Outcome(status=RunStatus.SUCCEEDED, duration_seconds=2.0))

        def told() -> list[tuple[int, str]]:
            return [(one.run.number, one.text) for one in followed.ends()]

        sweep = begin(RunKind.SWEEP)
        sets = [begin(RunKind.STAGE, sweep) for _ in range(6)]
        followed = FollowedRun(settings, sweep)
        assert told() == []
        for run_id in (sets[0], sets[1], sets[4]):
            end(run_id)
        assert told() == [(2, "succeeded in 2.0 s\n"), (3, "succeeded in 2.0 s\n"), (6, "succeeded in 2.0 s\n")]
        assert told() == []
        assert not followed.is_over
        for run_id in (*sets, sweep):
            if not ledger.get(run_id).status.is_final:
                end(run_id)
        assert [number for number, _ in told()] == [4, 5, 7]
        assert followed.is_over


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ([{"output_type": "stream", "text": ["a\n", "b\n"]}], "a\nb\n"),
        ([{"output_type": "stream", "text": "a"}, {"output_type": "stream", "text": "b"}], "ab"),
        ([{"output_type": "execute_result", "data": {"text/plain": "3", "text/html": "<b>3</b>"}}], "3\n"),
        ([{"output_type": "display_data", "data": {"image/png": "AAAA"}}], "[image/png]\n"),
        ([{"output_type": "error", "ename": "E", "evalue": "e", "traceback": ["one", "two"]}], "one\ntwo\n"),
        ([{"output_type": "error", "ename": "E", "evalue": "e", "traceback": []}], "E: e\n"),
        ([], ""),
        (None, ""),
    ],
)
def test_a_terminal_shows_text_and_names_the_rest(outputs: object, text: str) -> None:
    assert text_of_outputs(outputs) == text
