from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.fingerprint import Fingerprint, differences, fingerprint_of, stage_fingerprint

if TYPE_CHECKING:
    from tests.pipelines.conftest import Project

NOTEBOOK = "notebooks/train.ipynb"
PARAMETERS = 'src: Input = "../data/raw.txt"\nmonth: int = 6  # calendar month'
CELLS = ("import json\nimport pandas", "from features import clean", "fit(month)")


@pytest.fixture
def train(project: Project) -> Project:
    project.write("data/raw.txt", "raw")
    project.write("src/features.py", "import helpers")
    project.write("helpers.py", "import sklearn")
    project.notebook(NOTEBOOK, PARAMETERS, *CELLS)
    return project


def taken(project: Project) -> Fingerprint:
    settings = project.settings
    return stage_fingerprint(project.pipeline.stages["train"], settings, FileDigests(settings.cache_folder / "d.json"))


def changes(project: Project, before: Fingerprint) -> tuple[str, ...]:
    now = taken(project)
    found = differences(before.parts, now.parts)
    assert bool(found) == (now.digest != before.digest)
    return found


def test_it_covers_all_that_decides_the_result(train: Project) -> None:
    assert list(taken(train).parts) == [
        "kernel",
        "code cell 1",
        "code cell 2",
        "code cell 3",
        "code cell 4",
        "parameter src",
        "parameter month",
        "input data/raw.txt",
        "module helpers.py",
        "module src/features.py",
        "distribution pandas",
        "distribution scikit-learn",
        "python",
    ]


def test_outputs_metadata_ids_and_markdown_have_no_say(train: Project) -> None:
    before = taken(train)
    path = train.root / NOTEBOOK
    content = json.loads(path.read_text())
    content["cells"].insert(0, {"cell_type": "markdown", "id": "m", "source": "# New", "metadata": {}})
    content["cells"][2] |= {
        "id": "other",
        "execution_count": 7,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
    }
    content["metadata"]["theme"] = "dark"
    path.write_text(json.dumps(content))
    assert changes(train, before) == ()


def test_help_annotations_and_their_imports_have_no_say(train: Project) -> None:
    before = taken(train)
    parameters = f'from typing import Annotated\nfrom nightbook import Range\n"""Words."""\n{PARAMETERS}, as in June'
    train.notebook(NOTEBOOK, parameters.replace(": int", ": Annotated[int, Range(1, 12)]"), *CELLS)
    assert changes(train, before) == ()


def test_a_changed_default_is_a_changed_parameter_and_nothing_else(train: Project) -> None:
    before = taken(train)
    train.notebook(NOTEBOOK, PARAMETERS.replace("6", "7"), *CELLS)
    assert changes(train, before) == ("parameter month changed from 6 to 7",)


def test_a_given_value_equal_to_the_default_changes_nothing(train: Project) -> None:
    before = taken(train)
    train.given = {"train": {"month": 6}}
    assert changes(train, before) == ()
    train.given = {"train": {"month": 8}}
    assert changes(train, before) == ("parameter month changed from 6 to 8",)


def test_other_code_in_the_parameters_cell_counts_as_code(train: Project) -> None:
    before = taken(train)
    train.notebook(NOTEBOOK, f"{PARAMETERS}\nprint('hello')", *CELLS)
    assert changes(train, before) == ("code cell 1 changed",)


def test_a_default_that_only_the_kernel_knows_counts_as_code(train: Project) -> None:
    train.notebook(NOTEBOOK, f"import os\n{PARAMETERS}\nhome: str = os.environ['HOME']", *CELLS)
    before = taken(train)
    train.notebook(NOTEBOOK, f"import os\n{PARAMETERS}\nhome: str = os.environ['OLD_HOME']", *CELLS)
    assert changes(train, before) == ("code cell 1 changed",)


def test_each_part_is_named_when_it_changes(train: Project) -> None:
    before = taken(train)
    train.write("data/raw.txt", "other")
    train.write("helpers.py", "import sklearn, numpy")
    train.notebook(NOTEBOOK, PARAMETERS, *CELLS[:2], "fit(month, 2)", kernel="python4")
    found = changes(train, before)
    assert found[:4] == (
        "code cell 4 changed",
        "kernel changed from python3 to python4",
        "input data/raw.txt changed",
        "module helpers.py changed",
    )
    assert found[4].startswith("distribution numpy is new (")
    assert len(found) == 5


def test_the_type_of_a_value_counts(train: Project) -> None:
    before = taken(train)
    train.notebook(NOTEBOOK, PARAMETERS.replace("int = 6", "float = 6.0"), *CELLS)
    assert changes(train, before) == ("parameter month changed from 6 to 6.0",)


def test_dates_and_paths_are_worded_as_people_write_them(project: Project) -> None:
    names = "from datetime import date\nfrom pathlib import Path\n"
    project.notebook(NOTEBOOK, f"{names}day = date(2013, 1, 31)\nplace: Path = Path('a')", *CELLS)
    before = taken(project)
    project.notebook(NOTEBOOK, f"{names}day = '2013-01-31'\nplace: Path = Path('b')", *CELLS)
    assert changes(project, before) == (
        "parameter day changed from 2013-01-31 to '2013-01-31'",
        "parameter place changed from Path('a') to Path('b')",
    )


def test_touching_an_input_changes_nothing(train: Project) -> None:
    before = taken(train)
    os.utime(train.root / "data" / "raw.txt", (1, 1))
    assert changes(train, before) == ()


def test_a_notebook_in_another_language_has_no_python_parts(project: Project) -> None:
    project.notebook("notebooks/train.ipynb", None, "library(x)", kernel="ir", language_info={"name": "R"})
    project.write("nightbook.toml", "[stages.train.parameters]\nmonth = 6\n")
    assert list(taken(project).parts) == ["kernel", "code cell 1", "parameter month"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("abc", "abc", ()),
        ("abc", "aXc", ("code cell 2 changed",)),
        ("abc", "aXbc", ("code cell 2 is new",)),
        ("abc", "ac", ("code cell 2 was removed",)),
        ("abc", "abcd", ("code cell 4 is new",)),
        ("abc", "", ("code cell 1 was removed", "code cell 2 was removed", "code cell 3 was removed")),
        ("abc", "aXYc", ("code cell 2 changed", "code cell 3 is new")),
        ("abcd", "aXd", ("code cell 2 changed", "code cell 3 was removed")),
    ],
)
def test_cells_are_matched_by_content(old: str, new: str, words: tuple[str, ...]) -> None:
    def parts(cells: str) -> dict[str, str]:
        return {f"code cell {number}": cell for number, cell in enumerate(cells, start=1)}

    assert differences(parts(old), parts(new)) == words


def test_parts_that_come_and_go_are_named() -> None:
    assert differences({"module a.py": "1", "parameter x": "1"}, {"parameter y": "'é'", "input b": "2"}) == (
        "parameter y is new ('é')",
        "input b is new",
        "module a.py is no longer used",
        "parameter x is no longer used",
    )


def test_long_values_are_shortened() -> None:
    (words,) = differences({"parameter x": "1"}, {"parameter x": "y" * 100})
    assert words == f"parameter x changed from 1 to {'y' * 60}…"


def test_the_order_of_parts_has_no_say() -> None:
    assert fingerprint_of({"a": "1", "b": "2"}).digest == fingerprint_of({"b": "2", "a": "1"}).digest
