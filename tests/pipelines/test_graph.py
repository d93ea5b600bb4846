from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import NotebookError, ParameterError, PipelineError
from nightbook.pipelines.graph import check_data

if TYPE_CHECKING:
    from tests.pipelines.conftest import Project


def reads(*paths: str) -> str:
    return "\n".join(f'in{number}: Input = "{path}"' for number, path in enumerate(paths))


def writes(*paths: str) -> str:
    return "\n".join(f'out{number}: Output = "{path}"' for number, path in enumerate(paths))


def check_all(project: Project) -> None:
    pipeline = project.pipeline
    check_data(pipeline, pipeline.stages)


def problem(project: Project) -> str:
    with pytest.raises(PipelineError) as caught:
        check_all(project)
    return f"{caught.value.message} | {caught.value.remedy}"


def test_equal_paths_connect_stages_in_order(chain: Project) -> None:
    pipeline = chain.pipeline

    assert list(pipeline.stages) == ["collect", "prepare", "train", "report"]
    assert pipeline.upstream == {
        "collect": (),
        "prepare": ("collect",),
        "train": ("prepare",),
        "report": ("prepare",),
    }
    assert pipeline.downstream["prepare"] == ("train", "report")


def test_paths_written_differently_are_the_same_data(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", writes("../data/./x/../out.txt"))
    project.notebook("notebooks/b.ipynb", reads(str(project.root / "data" / "out.txt")))
    assert project.pipeline.upstream["b"] == ("a",)


def test_paths_through_a_link_are_the_same_data(project: Project) -> None:
    (project.root / "disk").mkdir()
    (project.root / "data").symlink_to("disk")
    project.notebook("notebooks/a.ipynb", writes("../data/out.txt"))
    project.notebook("notebooks/b.ipynb", reads("../disk/out.txt"))
    pipeline = project.pipeline
    assert pipeline.upstream["b"] == ("a",)
    assert pipeline.stages["a"].outputs[0].uri == "data/out.txt"


def test_equal_uris_connect_stages(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", writes("s3://bucket/x"))
    project.notebook("notebooks/b.ipynb", reads("s3://bucket/x"))
    project.notebook("notebooks/c.ipynb", reads("https://example.org/y.csv"))
    pipeline = project.pipeline
    check_data(pipeline, pipeline.stages)
    assert pipeline.upstream["b"] == ("a",)
    assert pipeline.stages["b"].inputs[0].path is None


def test_a_folder_and_a_file_inside_it_connect_stages(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", writes("../data/parts/one.txt"))
    project.notebook("notebooks/b.ipynb", writes("../data/parts/two.txt"))
    project.notebook("notebooks/c.ipynb", reads("../data/parts") + "\n" + writes("../models"))
    project.notebook("notebooks/d.ipynb", reads("../models/best.txt"))
    pipeline = project.pipeline
    check_data(pipeline, pipeline.stages)
    assert pipeline.upstream["c"] == ("a", "b")
    assert pipeline.upstream["d"] == ("c",)


def test_a_stage_comes_with_all_that_it_needs(chain: Project) -> None:
    pipeline = chain.pipeline
    assert pipeline.needed_for(["train"]) == ("collect", "prepare", "train")
    assert pipeline.needed_for([]) == ("collect", "prepare", "train", "report")
    assert pipeline.depending_on(["prepare"]) == ("prepare", "train", "report")


def test_an_unknown_stage_is_named_with_the_nearest(chain: Project) -> None:
    with pytest.raises(PipelineError) as caught:
        chain.pipeline.needed_for(["trian"])
    assert str(caught.value) == "unknown stage 'trian'"
    assert caught.value.remedy == "did you mean 'train'?"


def test_stages_that_no_data_orders_go_by_number_then_name(project: Project) -> None:
    for file in ("b", "10-c", "2-z", "a"):
        project.notebook(f"notebooks/{file}.ipynb", "")
    assert list(project.pipeline.stages) == ["z", "c", "a", "b"]


def test_the_settings_can_put_a_stage_behind_another(project: Project) -> None:
    project.notebook("notebooks/1-a.ipynb", "")
    project.notebook("notebooks/2-b.ipynb", "")
    project.write("nightbook.toml", '[stages.a]\nafter = ["b"]\n')
    assert list(project.pipeline.stages) == ["b", "a"]

    project.write("nightbook.toml", '[stages.a]\nafter = ["bb"]\n')
    assert problem(project) == "the stage 'a' is set to run after 'bb', which is no stage | did you mean 'b'?"


def test_a_cycle_is_shown_as_a_circle(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", reads("c.txt") + "\n" + writes("a.txt"))
    project.notebook("notebooks/b.ipynb", reads("a.txt") + "\n" + writes("b.txt"))
    project.notebook("notebooks/c.ipynb", reads("b.txt") + "\n" + writes("c.txt"))
    project.notebook("notebooks/d.ipynb", reads("c.txt"))
    assert problem(project).startswith("the stages wait for each other: a -> b -> c -> a |")


def test_a_stage_that_reads_what_it_writes_is_a_cycle(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", reads("a.txt") + "\n" + writes("a.txt"))
    assert problem(project).startswith("the stages wait for each other: a -> a |")


def test_two_writers_of_one_path_are_refused(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", writes("../data/x.txt"))
    project.notebook("notebooks/b.ipynb", writes("../data/x.txt"))
    assert problem(project).startswith("the stages 'a' and 'b' both write data/x.txt | give 'out0' another path")


def test_a_writer_inside_anothers_folder_is_refused(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", writes("../data", "../data/own.txt"))
    project.notebook("notebooks/b.ipynb", writes("../data-b/x.txt"))
    project.notebook("notebooks/c.ipynb", writes("../data/z.txt"))
    assert "the stage 'a' writes the folder" in problem(project)


def test_an_input_that_nobody_writes_and_that_is_not_there_is_named(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", reads("../data/raw.txt"))
    words = problem(project)
    assert words.startswith("the stage 'a' reads data/raw.txt ('in0'), which does not exist and no stage writes | put")

    project.notebook("notebooks/b.ipynb", writes("../data/raw.text"))
    assert problem(project).endswith("| did you mean 'data/raw.text'?")

    project.write("data/raw.txt", "here")
    pipeline = project.pipeline
    check_data(pipeline, pipeline.stages)


def test_a_missing_input_of_another_stage_does_not_matter(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", reads("../data/raw.txt"))
    project.notebook("notebooks/b.ipynb", "")
    assert project.verdicts("b") == {"b": "RUN"}


def test_an_output_where_no_folder_can_be_is_refused(project: Project) -> None:
    project.write("data", "a file")
    project.notebook("notebooks/a.ipynb", writes("../data/deep/x.txt"))
    words = problem(project)
    assert words.startswith("the stage 'a' cannot write data/deep/x.txt ('out0'):")
    assert "data is no folder" in words


def test_what_is_wrong_with_a_notebook_or_a_value_is_said(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "month: int = 6")
    project.given = {"a": {"mnth": 7}}
    with pytest.raises(ParameterError, match="unknown parameter 'mnth' in stage 'a'"):
        _ = project.pipeline
    project.given = {"aa": {"month": 7}}
    with pytest.raises(PipelineError, match="unknown stage 'aa'"):
        _ = project.pipeline
    project.given = {}
    project.write("notebooks/b.ipynb", "{")
    with pytest.raises(NotebookError, match="not valid JSON"):
        _ = project.pipeline


def test_a_project_without_notebooks_is_an_empty_pipeline(project: Project) -> None:
    assert not project.pipeline.stages
    assert project.pipeline.needed_for([]) == ()
    assert project.plan().is_up_to_date
