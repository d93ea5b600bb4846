from __future__ import annotations

import builtins
import warnings
from types import ModuleType

import pytest
from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from nightbook.runs.warm.questions import asked, warned


def asking_module(name: str, source: str) -> ModuleType:
    """A module of this name that has run this source."""
    module = ModuleType(name)
    exec(source, module.__dict__)
    return module


@pytest.mark.parametrize("name", ["library", "library.part"])
def test_a_module_that_asks_is_known_by_name(name: str) -> None:
    with asked() as found:
        module = asking_module(name, "from IPython import get_ipython; answer = get_ipython()")
    assert found == [name]
    assert module.answer is None


def test_pandas_is_told_that_there_is_a_kernel() -> None:
    with asked() as found:
        module = asking_module("pandas._config", "answer = hasattr(get_ipython(), 'kernel')")
    assert found == []
    assert module.answer is True


def test_who_asks_again_later_is_served_later() -> None:
    with asked() as found:
        asking_module("ipywidgets", "from IPython import get_ipython; get_ipython()")
    assert found == []


def test_everything_is_as_before_afterwards() -> None:
    with asked():
        pass
    assert not hasattr(builtins, "get_ipython")
    assert "initialized" not in vars(InteractiveShell)
    assert get_ipython() is None


def test_warnings_that_would_be_seen_are_heard_and_filters_stay() -> None:
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.filterwarnings("ignore", message="unseen")
        with warned() as shown:
            warnings.warn("seen", stacklevel=1)
            warnings.warn("unseen", stacklevel=1)
            warnings.filterwarnings("ignore", message="from now on")
        assert shown == ["seen"]
        assert warnings.filters[0][1] is not None


def test_who_takes_warnings_over_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with warned():
        monkeypatch.setattr(warnings, "showwarning", print)
    assert warnings.showwarning is print
