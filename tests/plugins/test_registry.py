from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.plugins.registry import load_plugin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution of somebody else's."""
    plugin = tmp_path / "clouds-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: clouds\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text(
        "[nightbook.executors]\nclouds = clouds_of_a_test:open_executor\nbroken = no_such_module:open_executor\n"
    )
    (tmp_path / "clouds_of_a_test.py").write_text("def open_executor(settings, address):\n    return address\n")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_plugin_of_a_third_party_is_loaded_by_its_name(installed: None) -> None:
    assert load_plugin("nightbook.executors", "clouds")(None, "here") == "here"


def test_our_own_are_entry_points_like_any_other() -> None:
    assert load_plugin("nightbook.executors", "dask").__module__ == "nightbook.adapters.executors.dask"


def test_an_unknown_one_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(SettingsError, match="there is no executor 'dusk'") as caught:
        load_plugin("nightbook.executors", "dusk")
    assert caught.value.remedy == "did you mean 'dask'?"


def test_one_that_lacks_what_it_needs_says_what(installed: None) -> None:
    with pytest.raises(SettingsError, match="'broken' cannot be loaded: No module named 'no_such_module'"):
        load_plugin("nightbook.executors", "broken")


def test_our_own_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nightbook.adapters.executors.dask", None)
    with pytest.raises(SettingsError) as caught:
        load_plugin("nightbook.executors", "dask")
    assert caught.value.remedy == "pip install 'nightbook[dask]'"
