from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import KernelError, NotebookError, ParameterError, PipelineError
from nightbook.pipelines.stage import load_stage, stage_name
from nightbook.records import Limits
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from tests.pipelines.conftest import Project


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("01-collect", "collect"),
        ("2_prepare", "prepare"),
        ("3. train", "train"),
        ("2013", "2013"),
        ("7-", "7-"),
        ("a-1", "a-1"),
    ],
)
def test_a_leading_number_is_no_part_of_the_name(stem: str, name: str) -> None:
    assert stage_name(Path(f"{stem}.ipynb")) == name


def test_only_notebooks_with_a_parameters_cell_are_stages(project: Project) -> None:
    project.notebook("notebooks/explore.ipynb", None, "x = 1")
    project.notebook("notebooks/train.ipynb", "month: int = 6")
    project.notebook("notebooks/.ipynb_checkpoints/train-checkpoint.ipynb", "month: int = 6")
    project.write("notebooks/helpers.py", "def parameters(): pass\n")
    project.write("notebooks/README.md", "# The tags and parameters\n")
    assert list(project.pipeline.stages) == ["train"]


def test_text_notebooks_are_stages_too(project: Project) -> None:
    project.write("notebooks/a.py", '# %% tags=["parameters"]\nmonth: int = 6\n\n# %%\nprint(month)\n')
    project.write("notebooks/b.md", '# B\n\n```python tags=["parameters"]\nmonth: int = 7\n```\n')
    stages = project.pipeline.stages
    assert {name: stage.binding.values for name, stage in stages.items()} == {"a": {"month": 6}, "b": {"month": 7}}


def test_of_a_pair_kept_in_step_the_ipynb_is_the_stage(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "month: int = 6", jupytext={"formats": "ipynb,py:percent"})
    project.write("notebooks/a.py", '# %% tags=["parameters"]\nmonth: int = 6\n')
    assert project.pipeline.stages["a"].notebook.path.suffix == ".ipynb"


def test_two_notebooks_of_one_name_are_refused(project: Project) -> None:
    project.notebook("notebooks/01-a.ipynb", "")
    project.notebook("notebooks/02_a.ipynb", "")
    with pytest.raises(PipelineError, match=r"notebooks/01-a.ipynb and notebooks/02_a.ipynb would both be stage 'a'"):
        _ = project.pipeline


def test_the_settings_declare_what_a_notebook_does_not(project: Project) -> None:
    project.notebook("r/plot.ipynb", None, "plot(flights)", kernel="ir", language_info={"name": "R"})
    project.write("data/flights.csv", "x")
    project.write(
        "nightbook.toml",
        """
        [stages.plot]
        notebook = "r/plot.ipynb"
        inputs = { flights = "data/flights.csv" }
        outputs = { figure = "data/plot.png" }
        timeout_seconds = 5
        retries = 2
        [stages.plot.parameters]
        month = 6
        model = { type = "Input", default = "../models/m.txt" }
        """,
    )
    stage = project.pipeline.stages["plot"]

    assert [one.uri for one in stage.inputs] == ["models/m.txt", "data/flights.csv"]
    assert [one.uri for one in stage.outputs] == ["data/plot.png"]
    assert stage.binding.given == {"month": 6, "model": "../models/m.txt"}
    assert (stage.language, stage.kernel_name, stage.retries) == ("R", "ir", 2)
    assert stage.limits == Limits(timeout_seconds=5)


def test_the_settings_set_parameters_that_a_notebook_declares(project: Project) -> None:
    project.notebook("notebooks/train.ipynb", "month: int = 6\nrate: float = 0.1")
    project.write("nightbook.toml", "[stages.train.parameters]\nmonth = 7\n")
    assert project.pipeline.stages["train"].binding.given == {"month": 7}

    project.given = {"train": {"month": 8}}
    assert project.pipeline.stages["train"].binding.values == {"month": 8, "rate": 0.1}

    project.write("nightbook.toml", "[stages.train.parameters]\nmoth = 7\n")
    with pytest.raises(ParameterError, match="unknown parameter 'moth'"):
        _ = project.pipeline


def test_one_notebook_can_be_several_stages(project: Project) -> None:
    project.notebook("notebooks/train.ipynb", 'out: Output = "../a.txt"')
    project.write(
        "nightbook.toml",
        '[stages.ridge]\nnotebook = "notebooks/train.ipynb"\n'
        '[stages.boosting]\nnotebook = "notebooks/train.ipynb"\nparameters = { out = "../b.txt" }\n',
    )
    stages = project.pipeline.stages
    assert {name: stage.outputs[0].uri for name, stage in stages.items()} == {"boosting": "b.txt", "ridge": "a.txt"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[stages.trian]\nretries = 1", r"\[stages.trian\] in the settings has no notebook"),
        ('[stages.train.inputs]\nmonth = "x"', "'month' in .* is a parameter, which its notebook declares"),
        ('[stages.train.inputs]\ndata = " "', "'data' of stage 'train' names no path"),
        ('notebooks = "nb"', "the folder of the notebooks, .*/nb, does not exist"),
    ],
)
def test_settings_that_fit_no_notebook_are_refused(project: Project, text: str, words: str) -> None:
    project.notebook("notebooks/train.ipynb", "month: int = 6")
    project.write("nightbook.toml", text)
    with pytest.raises(PipelineError, match=words):
        _ = project.pipeline


def test_a_notebook_named_in_the_settings_must_be_there(project: Project) -> None:
    project.write("nightbook.toml", '[stages.a]\nnotebook = "a.ipynb"')
    with pytest.raises(NotebookError, match=r"there is no notebook .*a\.ipynb"):
        _ = project.pipeline


def test_a_kernel_named_in_the_settings_must_be_there(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "")
    project.write("nightbook.toml", '[stages.a]\nkernel = "pyhton3"')
    with pytest.raises(KernelError, match="'pyhton3' is not installed"):
        _ = project.pipeline


def test_data_can_be_a_list_or_none(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", 'many: list[Input] = ["x.txt", "y.txt", "x.txt"]\nmaybe: Input | None = None')
    stage = project.pipeline.stages["a"]
    assert [(one.name, one.uri) for one in stage.inputs] == [("many", "notebooks/x.txt"), ("many", "notebooks/y.txt")]


def test_data_outside_the_project_has_an_absolute_uri(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", f'x: Input = "{project.root}-other/x.txt"')
    assert project.pipeline.stages["a"].inputs[0].uri == f"{project.root}-other/x.txt"


def test_a_lone_notebook_needs_no_parameters_cell_and_may_lie_anywhere(project: Project, tmp_path: Path) -> None:
    path = project.notebook("elsewhere/01-look.ipynb", None, "x = 1")
    stage = load_stage(project.settings, path)
    assert (stage.name, stage.rank, stage.parameters) == ("look", 1, ())

    with pytest.raises(ParameterError, match="unknown parameter 'month'"):
        load_stage(project.settings, path, {"month": 1})


def test_a_lone_notebook_that_the_settings_name_is_that_stage(project: Project) -> None:
    path = project.notebook("r/plot.ipynb", None, "x")
    project.write("nightbook.toml", '[stages.figure]\nnotebook = "r/plot.ipynb"\nretries = 3\n')
    stage = load_stage(project.settings, path)
    assert (stage.name, stage.retries) == ("figure", 3)


def test_flags_and_environment_beat_a_stages_own_limits(project: Project) -> None:
    project.notebook("notebooks/a.ipynb", "")
    project.write("nightbook.toml", "timeout_seconds = 1\n[stages.a]\ntimeout_seconds = 2\nmemory_bytes = 3\n")
    path = project.root / "notebooks/a.ipynb"
    environment = {"NIGHTBOOK_MEMORY_BYTES": "30"}

    own = load_stage(load_settings(project.root, environment={}), path).limits
    flagged = load_settings(project.root, environment=environment, flags={"timeout_seconds": 20})

    assert own == Limits(timeout_seconds=2, memory_bytes=3)
    assert load_stage(flagged, path).limits == Limits(timeout_seconds=20, memory_bytes=30)
