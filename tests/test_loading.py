from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from nightbook.loading import without


def test_the_collector_works_on_only_less_often() -> None:
    code = "import gc, nightbook.loading as l; l.collect_rarely(); print(gc.isenabled(), gc.get_threshold()[0])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "True 200000\n"


def test_notebooks_are_validated_without_the_grammar_that_none_of_them_needs() -> None:
    code = (
        "import sys, nightbook.loading as l, nightbook.runs.process as p\n"
        "with l.without(*l.UNUSED_VALIDATORS):\n"
        "    import nbformat\n"
        "    nbformat.validate(nbformat.v4.new_notebook())\n"
        "print('lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_what_is_hidden_is_there_again_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with without("this", "json"):
        with pytest.raises(ImportError):
            importlib.import_module("this")
        assert importlib.import_module("json").loads("1") == 1  # what is loaded already stays
    assert "this" not in sys.modules
