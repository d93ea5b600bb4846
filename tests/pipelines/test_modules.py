from __future__ import annotations

import ast
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.memory import Memory
from nightbook.pipelines.modules import ModuleFinder, added_folders, imported_names

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.pipelines.modules import Used


class Code:
    """Modules in a folder, and what a notebook beside them uses."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, **modules: str) -> None:
        """One module for each name, in which `__` stands for a folder."""
        for name, source in modules.items():
            path = self.root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")

    def used(self, *cells: str) -> tuple[list[str], list[str]]:
        used = self.read(*cells)
        return [str(file.relative_to(self.root)) for file in used.files], list(used.foreign)

    def read(self, *cells: str) -> Used:
        digests = FileDigests(self.root / "state" / "digests.json")
        memory = Memory[list[str]](self.root / "state" / "code.json")
        finder = ModuleFinder([self.root, self.root / "src"], digests, memory)
        used = finder.used_by({sha256(cell.encode()).hexdigest(): cell for cell in cells}, self.root / "notebooks")
        memory.save()
        return used


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a.b, c as d", {"a.b", "c"}),
        ("from a import b", {"a", "a.b"}),
        ("from a import *", {"a"}),
        ("def f():\n    try:\n        import a\n    except ImportError:\n        import b", {"a", "b"}),
        ("from . import x", {"p.q", "p.q.x"}),
        ("from ..r import x", {"p.r", "p.r.x"}),
        ("import importlib\nimportlib.import_module('a.b')", {"importlib", "a.b"}),
        ("m = __import__('a')", {"a"}),
        ("importlib.import_module(name)", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, names: set[str]) -> None:
    assert set(imported_names(ast.parse(source), "p.q")) == names


def test_own_modules_are_found_transitively(code: Code) -> None:
    code.write(
        src__features="from helpers import clean\nimport pandas",
        helpers="import deeper.inside\nimport json",
        deeper__inside="from numpy import array",
    )
    files, foreign = code.used("import os", "from features import x")
    assert files == ["deeper/inside.py", "helpers.py", "src/features.py"]
    assert foreign == ["json", "numpy", "os", "pandas"]


def test_a_package_counts_with_its_init_files_and_relative_imports(code: Code) -> None:
    (code.root / "pkg" / "sub").mkdir(parents=True)
    (code.root / "pkg" / "__init__.py").write_text("")
    (code.root / "pkg" / "sub" / "__init__.py").write_text("from .. import shared")
    code.write(
        pkg__shared="",
        pkg__sub__leaf="from . import sibling\nfrom ..other import thing",
        pkg__sub__sibling="",
        pkg__other="",
    )
    files, foreign = code.used("import pkg.sub.leaf")
    assert files == [
        "pkg/__init__.py",
        "pkg/other.py",
        "pkg/shared.py",
        "pkg/sub/__init__.py",
        "pkg/sub/leaf.py",
        "pkg/sub/sibling.py",
    ]
    assert foreign == []


def test_a_module_beside_the_notebook_comes_first(code: Code) -> None:
    code.write(notebooks__helpers="", helpers="")
    assert code.used("import helpers")[0] == ["notebooks/helpers.py"]


def test_modules_that_import_each_other_end(code: Code) -> None:
    code.write(a="import b", b="import a")
    assert code.used("import a")[0] == ["a.py", "b.py"]


def test_a_folder_of_data_named_like_a_library_hides_nothing(code: Code) -> None:
    (code.root / "plotly").mkdir()
    (code.root / "plotly" / "figure.png").write_text("")
    assert code.used("import plotly.express") == ([], ["plotly"])


def test_scripts_run_by_magic_and_folders_put_on_the_path_count(code: Code) -> None:
    code.write(notebooks__setup="import tools", lib__tools="", notebooks__more="")
    files, _ = code.used("%run -i setup.py\n%run 'more'\n%run missing.py", "import sys\nsys.path.insert(0, '../lib')")
    assert files == ["lib/tools.py", "notebooks/more.py", "notebooks/setup.py"]


def test_folders_put_on_the_path_are_read_from_plain_texts_only() -> None:
    source = "sys.path.append('../lib')\nsys.path.insert(0, \"src\")\nsys.path.append(folder)"
    assert added_folders(source) == ["../lib", "src"]


def test_magics_and_broken_cells_do_no_harm(code: Code) -> None:
    code.write(helpers="this is no python")
    assert code.used("%matplotlib inline\nimport helpers", "import (", "%%bash\nimport os") == (["helpers.py"], [])


def test_a_changed_module_is_read_again(code: Code) -> None:
    code.write(helpers="import a")
    assert code.used("import helpers")[1] == ["a"]
    code.write(helpers="import a, b")
    assert code.used("import helpers")[1] == ["a", "b"]


def test_the_program_itself_is_no_module_of_the_project(code: Code) -> None:
    code.write(src__nightbook="import pandas")
    assert code.used("from nightbook import Input") == ([], [])


def test_an_own_module_stands_in_for_an_installed_one_whoever_imports_it(code: Code) -> None:
    code.write(notebooks__helper="def parse():\n    from yaml import part", notebooks__yaml="", notebooks__csv="")
    assert code.read("import helper").stand_ins == ("yaml",)
    assert code.read("import numpy").stand_ins == ()


def test_a_module_of_an_own_package_stands_in_for_nothing(code: Code) -> None:
    code.write(notebooks__own____init__="from . import yaml", notebooks__own__yaml="")
    assert code.read("import own, own.yaml").stand_ins == ()


def test_a_module_that_puts_the_root_first_is_read(code: Code) -> None:
    code.write(notebooks__paths="import sys\nsys.path.insert(0, str(root))", yaml="")
    assert code.read("import yaml").stand_ins == ()
    assert code.read("import paths, yaml").stand_ins == ("yaml",)
