from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import ParameterError
from nightbook.notebooks.parameters import Text
from nightbook.settings import Settings, load_settings
from nightbook.workflow.requests import RunRequest
from nightbook.workflow.set_stages import changed_stages, parameter_set, select_for, shared_stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAKE = 'from nightbook import Output\ncount: int = 3\nnumbers: Output = "../data/numbers.txt"'
FIT = (
    "from nightbook import Input, Output\n"
    'numbers: Input = "../data/numbers.txt"\nrate: float = 0.1\nmodel: Output = "../data/model.txt"'
)


@pytest.fixture
def settings(tmp_path: Path, new_notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Settings:
    new_notebook(tmp_path / "notebooks" / "make.ipynb", MAKE)
    new_notebook(tmp_path / "notebooks" / "fit.ipynb", FIT)
    monkeypatch.chdir(tmp_path)
    return load_settings(tmp_path, environment={})


def test_a_set_changes_the_stage_that_it_is_about_and_shares_what_comes_before(settings: Settings) -> None:
    base = RunRequest(settings=settings, targets=("fit",))
    selection = select_for(base, {"rate": 0.2})
    changed = changed_stages(selection, [{"rate": 0.2}])
    assert (changed, shared_stages(selection, changed)) == (("fit",), ("make",))


def test_a_set_that_varies_an_earlier_stage_changes_all_behind_it(settings: Settings) -> None:
    base = RunRequest(settings=settings, targets=("fit",))
    changed = changed_stages(select_for(base, {"make.count": 5}), [{"make.count": 5}])
    assert changed == ("make", "fit")


def test_each_set_writes_into_a_folder_of_its_own_and_reads_from_there(settings: Settings) -> None:
    base = RunRequest(settings=settings, targets=("fit",))
    one, other = (parameter_set(base, {"make.count": count}, ("make", "fit")) for count in (5, 6))
    made = one.pipeline.stages["make"].outputs[0]
    assert made.uri.startswith(".nightbook/sweeps/")
    assert one.pipeline.stages["fit"].inputs[0].key == made.key
    assert made.key != other.pipeline.stages["make"].outputs[0].key
    # The same set again has the same folder: that is how it is known to have succeeded before.
    assert parameter_set(base, {"make.count": 5}, ("make", "fit")).pipeline.stages["make"].outputs[0] == made


def test_a_stage_whose_output_no_parameter_sets_cannot_be_swept(settings: Settings) -> None:
    (settings.root / "nightbook.toml").write_text('[stages.fit]\noutputs = { extra = "data/extra.txt" }\n')
    base = RunRequest(settings=load_settings(settings.root, environment={}), targets=("fit",))
    with pytest.raises(ParameterError, match=r"always writes data/extra\.txt"):
        parameter_set(base, {"rate": 0.2}, ("fit",))


def test_outputs_of_one_name_stay_apart_and_what_reads_from_a_moved_folder_moves_with_it(
    settings: Settings, new_notebook: Callable[..., Path]
) -> None:
    make = (
        'from nightbook import Output\nrate: float = 0.1\na: Output = "../data/a/x.txt"\nb: Output = "../data/b/x.txt"'
    )
    new_notebook(settings.root / "notebooks" / "split.ipynb", make)
    new_notebook(
        settings.root / "notebooks" / "both.ipynb", 'from nightbook import Output\nn: int = 1\nd: Output = "../data/d"'
    )
    new_notebook(
        settings.root / "notebooks" / "part.ipynb", 'from nightbook import Input\np: Input = "../data/d/p.txt"'
    )
    base = RunRequest(settings=settings, targets=("split",))
    outputs = parameter_set(base, {"rate": 0.2}, ("split",)).pipeline.stages["split"].outputs
    assert len({one.key for one in outputs}) == 2
    part = parameter_set(RunRequest(settings=settings, targets=("part",)), {"both.n": 2}, ("both", "part"))
    folder, file = part.pipeline.stages["both"].outputs[0], part.pipeline.stages["part"].inputs[0]
    assert file.key == f"{folder.key}/p.txt"


def test_a_folder_of_which_a_sweep_changes_a_part_is_refused(
    settings: Settings, new_notebook: Callable[..., Path]
) -> None:
    new_notebook(settings.root / "notebooks" / "all.ipynb", 'from nightbook import Input\nd: Input = "../data"')
    with pytest.raises(ParameterError, match="changes only a part"):
        parameter_set(RunRequest(settings=settings, targets=("all",)), {"fit.rate": 0.2}, ("fit", "all"))


def test_the_same_values_typed_in_two_ways_are_one_set(settings: Settings) -> None:
    base = RunRequest(settings=settings, targets=("fit",))
    texts = (Text(value="0.25"), Text(value="0.250"))
    assert len({parameter_set(base, {"rate": text}, ("fit",)).digest for text in texts}) == 1
