from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightbook.errors import PipelineError
from nightbook.settings import Settings, load_settings
from nightbook.workflow.declaring import declaration_of, stage_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = {
    "02-score.py": '# %% tags=["parameters"]\nmonth: int = 6\n',
    "tell.md": '```python tags=["parameters"]\nto: str = "all"\n```\n',
    "module.py": "def parameters(): ...\n",
    "README.md": "The notebooks and their parameters.\n",
}


@pytest.fixture
def settings(tmp_path: Path, new_notebook: Callable[..., Path]) -> Settings:
    new_notebook(tmp_path / "notebooks" / "01-train.ipynb", "learning_rate: float = 0.1")
    for name, text in TEXT.items():
        (tmp_path / "notebooks" / name).write_text(text, encoding="utf-8")
    return load_settings(tmp_path, environment={})


def names_of(settings: Settings, target: str) -> list[str]:
    return [one.name for one in declaration_of(settings, target).parameters]


@pytest.mark.parametrize(
    ("target", "names"),
    [("train", ["learning_rate"]), ("score", ["month"]), ("tell", ["to"]), ("02-score.py", ["month"])],
)
def test_a_stage_is_a_notebook_in_any_of_its_formats(settings: Settings, target: str, names: list[str]) -> None:
    assert names_of(settings, target) == names


def test_what_has_no_parameters_cell_and_is_text_is_no_stage(settings: Settings) -> None:
    assert stage_names(settings) == ("train", "score", "tell")
    with pytest.raises(PipelineError, match="there is no stage 'module'"):
        declaration_of(settings, "module")


def test_a_folder_named_like_a_stage_does_not_hide_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train").mkdir()
    monkeypatch.chdir(tmp_path)
    assert names_of(settings, "train") == ["learning_rate"]


def test_of_two_files_with_one_name_the_one_that_declares_counts(
    settings: Settings, new_notebook: Callable[..., Path], tmp_path: Path
) -> None:
    path = new_notebook(tmp_path / "notebooks" / "tell.ipynb", "x = 1")
    path.write_text(path.read_text(encoding="utf-8").replace('"parameters"', '"other"'), encoding="utf-8")
    assert names_of(settings, "tell") == ["to"]
