from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from nightbook.pipelines.stand_ins import find_stand_ins, has_installed

EXTENSION = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.mark.parametrize("name", ["yaml", "numpy", "statistics", "xml"])
def test_what_is_installed_or_pythons_own_can_be_stood_in_for(name: str) -> None:
    assert has_installed(name)


@pytest.mark.parametrize("name", ["sys", "time", "no_such_module"])
def test_what_no_file_hides_and_what_is_not_there_cannot(name: str) -> None:
    assert not has_installed(name)


class Project:
    """A root, and below it the folder of a notebook."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "notebooks").mkdir()

    def stand_ins(self, *tops: str, source: str = "import yaml") -> tuple[str, ...]:
        searched = (str(self.root / "notebooks"), str(self.root))
        return find_stand_ins(set(tops), searched, [source], self.listing)

    @staticmethod
    def listing(folder: str) -> list[str]:
        return [one.name for one in Path(folder).iterdir()] if Path(folder).is_dir() else []

    def make(self, name: str) -> None:
        file = self.root / name
        file.parent.mkdir(exist_ok=True)
        file.touch()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return Project(tmp_path)


@pytest.mark.parametrize("file", ["yaml.py", "yaml/__init__.py", f"yaml{EXTENSION}"])
def test_a_module_beside_the_notebook_stands_in_for_an_installed_one(project: Project, file: str) -> None:
    project.make(f"notebooks/{file}")
    assert project.stand_ins("yaml", "numpy") == ("yaml",)


@pytest.mark.parametrize("file", ["own.py", "yaml.ipynb", "yaml/part.py", "statistics.py"])
def test_what_has_another_name_no_module_or_is_not_imported_does_not(project: Project, file: str) -> None:
    project.make(f"notebooks/{file}")
    assert project.stand_ins("yaml", "own") == ()


def test_a_module_in_the_root_does_where_python_looks_there_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.make("yaml.py")
    assert project.stand_ins("yaml") == ()
    for source in ("import sys\nsys.path.insert(0, '..')", "os.chdir('..')", "%cd .."):
        assert project.stand_ins("yaml", source=source) == ("yaml",)
    monkeypatch.setenv("PYTHONPATH", str(project.root))
    assert project.stand_ins("yaml") == ("yaml",)


def test_what_is_installed_where_the_environment_says_is_no_own_module(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.make("site-packages/yaml.py")
    monkeypatch.setenv("PYTHONPATH", str(project.root / "site-packages"))
    monkeypatch.syspath_prepend(project.root / "site-packages")
    assert project.stand_ins("yaml") == ()
