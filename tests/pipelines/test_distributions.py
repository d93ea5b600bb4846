from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from nightbook.pipelines.distributions import Provided, distributions_of, installed_in, site_folders
from nightbook.pipelines.memory import Memory

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def memory(tmp_path: Path) -> Memory[Provided]:
    return Memory[Provided](tmp_path / "distributions.json")


def install(site: Path, name: str, number: str, *files: str, top_level: str = "") -> None:
    metadata = site / f"{name}-{number}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    (metadata / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        # The backport of importlib.metadata, which other libraries load, lists only what is there.
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).touch()
    if top_level:
        (metadata / "top_level.txt").write_text(top_level)


def test_an_import_is_traced_to_what_is_installed_here(memory: Memory[Provided]) -> None:
    found = distributions_of(["sklearn", "json", "unheard_of"], site_folders(sys.executable), memory)
    assert found == {"scikit-learn": version("scikit-learn")}


def test_names_come_from_the_declaration_or_the_files(tmp_path: Path, memory: Memory[Provided]) -> None:
    site = tmp_path / "site-packages"
    install(site, "Declared", "1", top_level="one\ntwo\n")
    install(site, "Listed", "2", "three/__init__.py", "four.py", "_five.cpython-311.so", "Listed-2.dist-info/METADATA")
    install(site, "Also", "3", "three/plugin.py")

    def of(*names: str) -> dict[str, str]:
        return dict(distributions_of(names, (str(site),), memory))

    assert of("one", "two") == {"Declared": "1"}
    assert of("four", "_five") == {"Listed": "2"}
    assert of("three") == {"Listed": "2", "Also": "3"}


def test_all_that_is_installed_is_listed_as_pip_would(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    install(site, "beta", "2")
    install(site, "Alpha", "1")
    memory = Memory[list[str]](tmp_path / "installed.json")
    assert installed_in((str(site),), memory) == ["Alpha==1", "beta==2"]


def test_an_upgrade_is_seen(tmp_path: Path, memory: Memory[Provided]) -> None:
    site = tmp_path / "site-packages"
    install(site, "Tool", "1", top_level="tool")
    assert distributions_of(["tool"], (str(site),), memory) == {"Tool": "1"}
    (site / "Tool-1.dist-info").rename(tmp_path / "old")
    install(site, "Tool", "2", top_level="tool")
    assert distributions_of(["tool"], (str(site),), memory) == {"Tool": "2"}


def test_another_interpreter_has_its_own_folders(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True)
    assert site_folders(str(tmp_path / "bin" / "python")) == (str(site),)
    assert site_folders("python") == site_folders(sys.executable)


def test_only_the_standard_library_needs_no_look(memory: Memory[Provided]) -> None:
    assert distributions_of(["json", "os"], ("/nowhere",), memory) == {}
