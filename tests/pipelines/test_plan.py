from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import KernelError, PipelineError
from nightbook.pipelines.plan import Plan

if TYPE_CHECKING:
    from tests.pipelines.conftest import Project

PREPARE = 'src: Input = "../data/raw.txt"\nout: Output = "../data/clean.txt"'


def reasons(project: Project, stage: str) -> tuple[str, ...]:
    return project.plan()[stage].reasons


def change(project: Project, file: str = "notebooks/1-collect.ipynb") -> None:
    project.notebook(file, 'out: Output = "../data/raw.txt"\nmonth: int = 6', "a = 1", "b = 3")


def test_everything_runs_once_and_then_nothing(chain: Project) -> None:
    assert chain.verdicts() == dict.fromkeys(["collect", "prepare", "train", "report"], "RUN")
    assert chain.run() == ["collect", "prepare", "train", "report"]
    assert chain.run() == []
    assert chain.plan().is_up_to_date
    assert reasons(chain, "prepare") == ("up to date since #2",)


def test_a_target_runs_with_what_it_needs_only(chain: Project) -> None:
    assert chain.run("train") == ["collect", "prepare", "train"]


def test_a_changed_line_leaves_those_behind_undecided(chain: Project) -> None:
    chain.run()
    change(chain)
    assert chain.verdicts() == {"collect": "RUN", "prepare": "UNDECIDED", "train": "UNDECIDED", "report": "UNDECIDED"}
    assert reasons(chain, "collect") == ("code cell 3 changed",)
    assert reasons(chain, "train") == ("runs if prepare's outputs change",)


def test_stages_behind_run_when_the_data_changes(chain: Project) -> None:
    chain.run()
    change(chain)
    assert chain.run(content={"collect": "other"}) == ["collect", "prepare"]
    assert chain.plan().is_up_to_date


def test_stages_behind_do_not_run_when_the_data_comes_out_the_same(chain: Project) -> None:
    chain.run()
    change(chain)
    assert chain.run() == ["collect"]


def test_all_behind_run_when_everything_comes_out_otherwise(chain: Project) -> None:
    chain.run()
    change(chain)
    other = {"collect": "1", "prepare": "2", "train": "3"}
    assert chain.run(content=other) == ["collect", "prepare", "train", "report"]


def test_a_deleted_output_is_restored_and_nothing_runs(chain: Project) -> None:
    chain.run()
    for name in ("raw", "clean"):
        (chain.root / f"data/{name}.txt").unlink()
    assert chain.verdicts() == {
        "collect": "RESTORE",
        "prepare": "RESTORE",
        "train": "UP_TO_DATE",
        "report": "UP_TO_DATE",
    }
    assert chain.run() == []
    assert (chain.root / "data/raw.txt").read_text() == "collect"
    assert chain.plan().is_up_to_date


def test_a_deleted_output_runs_again_when_the_store_lost_it(chain: Project) -> None:
    chain.run()
    (chain.root / "data/raw.txt").unlink()
    (chain.root / ".nightbook/store").rename(chain.root / "lost")
    assert chain.verdicts()["collect"] == "RUN"
    assert chain.run() == ["collect"]


def test_an_output_modified_by_hand_runs_again(chain: Project) -> None:
    chain.run()
    chain.write("data/clean.txt", "by hand")
    assert reasons(chain, "prepare") == ("output data/clean.txt was modified by hand",)
    assert chain.verdicts()["train"] == "UNDECIDED"
    assert chain.run() == ["prepare"]


def test_a_given_parameter_is_a_reason(chain: Project) -> None:
    chain.run()
    chain.given = {"collect": {"month": 7}}
    assert reasons(chain, "collect") == ("parameter month changed from 6 to 7",)


def test_who_goes_back_to_former_parameters_gets_the_former_outputs_back(chain: Project) -> None:
    chain.run()
    chain.given = {"collect": {"month": 7}}
    chain.run(content={"collect": "july", "prepare": "clean july"})
    assert (chain.root / "data/clean.txt").read_text() == "clean july"
    chain.given = {}
    assert chain.run() == []
    assert (chain.root / "data/raw.txt").read_text() == "collect"
    assert (chain.root / "data/clean.txt").read_text() == "prepare"
    assert chain.plan().is_up_to_date
    assert reasons(chain, "collect") == ("up to date since #1",)
    # And forth again, as often as one likes.
    for month in (7, 6, 7):
        chain.given = {"collect": {"month": month}}
        assert chain.run() == []
    assert (chain.root / "data/raw.txt").read_text() == "july"


def test_what_lies_behind_a_uri_is_never_taken_for_what_it_was_before(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", 'out: Output = "s3://bucket/x"\nn: int = 1')
    project.run()
    project.given = {"a": {"n": 2}}
    assert project.run() == ["a"]
    project.given = {}
    assert project.run() == ["a"]


def test_forced_stages_run(chain: Project) -> None:
    chain.run()
    chain.forced = frozenset({"prepare"})
    assert reasons(chain, "prepare") == ("forced",)
    assert chain.run() == ["prepare"]


def test_a_changed_module_runs_those_that_import_it(chain: Project) -> None:
    chain.write("src/features.py", "x = 1")
    chain.notebook("notebooks/2-prepare.ipynb", PREPARE, "import features")
    chain.run()
    chain.write("src/features.py", "x = 2")
    assert reasons(chain, "prepare") == ("module src/features.py changed",)
    assert chain.run() == ["prepare"]


def test_data_behind_a_uri_goes_by_what_it_was_made_from(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", 'out: Output = "s3://bucket/x"\nn: int = 1')
    project.notebook("notebooks/b.ipynb", 'src: Input = "s3://bucket/x"')
    assert project.run() == ["a", "b"]
    assert project.run() == []
    project.given = {"a": {"n": 2}}
    assert project.verdicts() == {"a": "RUN", "b": "UNDECIDED"}
    assert project.run() == ["a", "b"]


def test_a_stage_put_behind_another_runs_when_that_changed(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "n: int = 1")
    project.notebook("notebooks/b.ipynb", "")
    project.write("nightbook.toml", '[stages.b]\nafter = ["a"]\n')
    assert project.run() == ["a", "b"]
    project.given = {"a": {"n": 2}}
    assert project.settle("b").verdict.name == "UP_TO_DATE"
    assert project.run() == ["a", "b"]
    project.forced = frozenset({"a"})
    assert project.run() == ["a"]


def test_folders_are_compared_and_restored(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", 'out: Output = "../data/parts/one.txt"')
    project.notebook("notebooks/b.ipynb", 'src: Input = "../data/parts"')
    project.write("data/parts/fixed.txt", "x")
    assert project.run() == ["a", "b"]
    (project.root / "data/parts/one.txt").unlink()
    assert project.verdicts() == {"a": "RESTORE", "b": "UP_TO_DATE"}
    assert project.run() == []
    project.write("data/parts/fixed.txt", "y")
    assert reasons(project, "b") == ("input data/parts changed",)


def test_an_output_declared_later_runs_the_stage(chain: Project) -> None:
    chain.run()
    chain.write("nightbook.toml", '[stages.report]\noutputs = { page = "page.html" }\n')
    assert reasons(chain, "report") == ("output page.html is new",)


def test_a_missing_kernel_is_said_before_anything_starts(chain: Project) -> None:
    chain.run()
    chain.notebook("notebooks/2-prepare.ipynb", PREPARE, kernel="python33")
    with pytest.raises(KernelError) as caught:
        chain.plan()
    assert str(caught.value) == "the kernel 'python33' is not installed, and stage 'prepare' needs it"
    assert "did you mean 'python3'?" in caught.value.remedy


def test_an_unknown_target_is_named(chain: Project) -> None:
    with pytest.raises(PipelineError, match="unknown stage 'trian'"):
        chain.plan("trian")


def test_a_project_that_cannot_be_written_is_planned(chain: Project) -> None:
    chain.write(".nightbook", "no folder")
    assert set(chain.verdicts().values()) == {"RUN"}


def test_a_plan_is_one_json_document(chain: Project) -> None:
    chain.run("collect")
    document = json.loads(json.dumps(chain.plan("collect").to_json()))
    assert [one["verdict"] for one in document["stages"]] == ["up to date"]


def test_a_plan_shows_itself_as_a_table_without_active_content(project: Project) -> None:
    project.notebook("notebooks/<b>x.ipynb", "")
    shown = project.plan()._repr_html_()
    assert "<td>&lt;b&gt;x</td>" in shown
    assert "never ran successfully" in shown
    assert Plan(decisions=())._repr_html_().count("<tr>") == 1
