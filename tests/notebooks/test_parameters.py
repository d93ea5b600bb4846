from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightbook.errors import ParameterError
from nightbook.notebooks.document import notebook_from_bytes, read_notebook
from nightbook.notebooks.literals import python_literal
from nightbook.notebooks.parameters import MISSING, OPAQUE, Parameter, ParameterRole, read_parameters
from nightbook.notebooks.types import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    Declare = Callable[..., tuple[Parameter, ...]]

DESIGN = """\
from typing import Annotated, Literal
from nightbook import Input, Output, Range, Secret

flights: Input = "../data/raw/flights.parquet"   # departures with weather
model_file: Output = "../data/models/model.joblib"
month: Annotated[int, Range(1, 12)] = 6          # calendar month to train on
learner: Literal["ridge", "boosting"] = "boosting"
learning_rate: float = 0.1
token: Secret = "env:WAREHOUSE_TOKEN"
"""


def test_the_cell_of_the_design_is_read_as_it_says(declare: Declare) -> None:
    assert [(one.name, describe(one.type), one.role, one.default, one.help) for one in declare(DESIGN)] == [
        ("flights", "input path", ParameterRole.INPUT, "../data/raw/flights.parquet", "departures with weather"),
        ("model_file", "output path", ParameterRole.OUTPUT, "../data/models/model.joblib", ""),
        ("month", "integer from 1 to 12", ParameterRole.VALUE, 6, "calendar month to train on"),
        ("learner", "one of 'ridge', 'boosting'", ParameterRole.VALUE, "boosting", ""),
        ("learning_rate", "number", ParameterRole.VALUE, 0.1, ""),
        ("token", "secret reference", ParameterRole.SECRET, "env:WAREHOUSE_TOKEN", ""),
    ]


@pytest.mark.parametrize(
    ("source", "words", "default"),
    [
        ("x = True", "true or false", True),
        ("x = 60 * 60", "integer", 3600),
        ("x = -1", "integer", -1),
        ("x = 1e-3", "number", 0.001),
        ("x = 'a'", "text", "a"),
        ("x = None", "any JSON value", None),
        ("x = [1, 2]", "list of JSON values", [1, 2]),
        ("x = (1, 2)", "tuple of JSON values", (1, 2)),
        ("x = {'a': 1}", "dict from any JSON value to any JSON value", {"a": 1}),
        ("from datetime import date\nx = date(2013, 1, 1)", "date", date(2013, 1, 1)),
        ("import datetime as dt\nx: dt.date = dt.date(2013, 1, 1)", "date", date(2013, 1, 1)),
        ("from pathlib import Path\nx = Path('a') / 'b'", "path", Path("a/b")),
        ("from decimal import Decimal\nx = Decimal('0.10')", "decimal number", Decimal("0.10")),
        ("import nightbook as nb\nx: list[nb.Input] = ['a', 'b']", "list of input paths", ["a", "b"]),
        ("x: int | None = None", "integer, or None", None),
        ("x: int = None", "integer, or None", None),
        ("x: float = 1", "number", 1.0),
        ("x: list[float] = [1, 2.5]", "list of numbers", [1.0, 2.5]),
        ("x: 'int' = 1", "integer", 1),
        ("x = 1  # type: float", "number", 1.0),
        ("x = None  # type: list[int] numbers", "list of integers, or None", None),
        ("x: int", "integer", MISSING),
        ("x: int\nx = 7", "integer", 7),
        ("import os\nx = os.environ['HOME']", "text", OPAQUE),
        ("import os\nx: int = int(os.environ['N'])", "integer", OPAQUE),
        ("from datetime import date\nx = date.today()", "date", OPAQUE),
        ("x = load()", "any JSON value", OPAQUE),
        ("x = !ls", "any JSON value", OPAQUE),
        ("x = {1, 2}", "any JSON value", OPAQUE),
        (
            "from typing import Annotated\nfrom nightbook import Range\nMonth = Annotated[int, Range(1, 12)]\nx: Month = 6",
            "integer from 1 to 12",
            6,
        ),
    ],
)
def test_types_and_defaults_are_read_without_running(
    declare: Declare, source: str, words: str, default: object
) -> None:
    (parameter,) = declare(source)
    assert (parameter.name, describe(parameter.type)) == ("x", words)
    assert parameter.default == default
    assert type(parameter.default) is type(default)


def test_not_a_number_may_be_a_default(declare: Declare) -> None:
    (parameter,) = declare('x = float("nan")')
    assert isinstance(parameter.default, float)
    assert math.isnan(parameter.default)


def test_names_imported_in_an_earlier_cell_are_known(declare: Declare) -> None:
    (parameter,) = declare("from nightbook import Input as In", "x: In = 'a'", tagged=1)
    assert parameter.role is ParameterRole.INPUT
    with pytest.raises(ParameterError, match=r"'In' is no type"):
        declare("x: In = 'a'", "from nightbook import Input as In")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1  # help", "help"),
        ("x = 1  ## help # more", "help # more"),
        ("x = 'a # b'  # help", "help"),
        ("x = 'a # b'", ""),
        ("x = 'ü'  # größer", "größer"),
        ("x = [\n  1,  # one\n  2,\n]  # help", "help"),
        ("x = [  # help\n  1,\n]", "help"),
        ("x = '''  # no help\n'''", ""),
        ("# above\nx = 1", ""),
        ("x = 1;  # help", "help"),
        ("x: int  # help", "help"),
        ("%load_ext autoreload\nx = 1  # help", "help"),
        ("x = None  # type: int help", "help"),
        ("x = 1  # type: ignore[assignment]  # help", "help"),
    ],
)
def test_the_comment_behind_a_parameter_is_its_help(declare: Declare, source: str, text: str) -> None:
    assert declare(source)[0].help == text


def test_the_default_is_kept_as_it_is_written(declare: Declare) -> None:
    first, second, third = declare("a = 60 * 60\nb = 'ü' + 'x'; c = [\n  1,\n]")
    assert first.default_source == "60 * 60"
    assert second.default_source == "'ü' + 'x'"
    assert third.default_source == "[\n  1,\n]"


def test_other_statements_declare_nothing(declare: Declare) -> None:
    source = (
        '"""Parameters."""\nimport os\n%matplotlib inline\n!ls\nos.environ["X"] = "1"\n_ = os.getcwd()\n'
        "def f(x): return x\nclass A: pass\nprint(f(1))\ntry:\n    import numpy\nexcept ImportError:\n    numpy = None\n"
        "month = 6\nprint(month)\n"
    )
    assert [one.name for one in declare(source)] == ["month"]


def test_two_names_of_one_value_are_two_parameters(declare: Declare) -> None:
    assert [(one.name, one.default) for one in declare("a = b = 3")] == [("a", 3), ("b", 3)]


@pytest.mark.parametrize(
    "derived",
    [
        "beta = alpha * 2",
        "beta: int = alpha",
        "alpha += 1",
        "beta = f'{alpha}'",
        "if alpha:\n    beta = 1",
        "beta = lambda: alpha",
    ],
)
def test_a_value_computed_from_a_parameter_is_refused(declare: Declare, derived: str) -> None:
    with pytest.raises(ParameterError) as caught:
        declare("1", f"alpha = 1\n{derived}", tagged=1)
    assert "cell 1 of train.ipynb (line 2) is computed from parameter 'alpha'" in caught.value.message
    assert "move it to the next cell" in caught.value.remedy


@pytest.mark.parametrize(
    ("source", "said", "tried"),
    [
        (
            "a, b = 1, 2",
            "'a, b = …' in cell 0 of train.ipynb (line 1) declares several parameters",
            "one parameter a line",
        ),
        ("[a, b] = 1, 2", "declares several parameters", "one parameter a line"),
        ("x = 1\nx = 2", "parameter 'x' is declared twice in cell 0 of train.ipynb (line 2)", "keep one"),
        ("x = ", "are not Python", "JupyterLab"),
        ("x: complex = 1", "'complex' is no type that a parameter can have", "use bool"),
        ("x: int = 'a'", "its default does not fit its type: 'a' is not an integer", "mend"),
        (
            "from typing import Annotated\nfrom nightbook import Range\nx: Annotated[int, Range(1, 12)] = 13",
            "13 is not an integer from 1 to 12",
            "mend",
        ),
        (
            "from pathlib import Path\nx: Path = 'a'",
            "its default is of type str; given values would be of type PosixPath",
            "write Path('a')",
        ),
        (
            "from nightbook import Input\nfrom pathlib import Path\nx: Input = Path('a')",
            "of type PosixPath",
            "write 'a'",
        ),
        ("x: list[int] = (1,)", "its default is of type tuple", "write [1]"),
        ("from datetime import date\nx = date(2013, 13, 1)", "fails: month must be in 1..12", "mend"),
        ("from nightbook import Secret\nx: Secret = 'hunter2'", "not a secret reference", "x = env:VARIABLE"),
        (
            "import os\nfrom nightbook import Secret\nx: Secret = os.environ['T']",
            "cannot be read without running",
            'x = "env:VARIABLE"',
        ),
        (
            "from nightbook import Input\nx: Input = f'{folder}/a'",
            "input path, cannot be read without running",
            "plain text",
        ),
        ("__x = 1", "is no name for a parameter", "choose another name"),
        ("float = 1", "is no name for a parameter", "choose another name"),
    ],
)
def test_a_cell_that_cannot_be_injected_truly_is_refused(declare: Declare, source: str, said: str, tried: str) -> None:
    with pytest.raises(ParameterError) as caught:
        declare(source)
    assert said in caught.value.message
    assert "cell 0 of train.ipynb" in caught.value.message
    assert tried in caught.value.remedy


def test_a_wrong_default_of_a_secret_is_not_repeated(declare: Declare) -> None:
    with pytest.raises(ParameterError) as caught:
        declare("from nightbook import Secret\nx: Secret = 'hunter2hunter2'")
    assert "hunter2" not in caught.value.message + caught.value.remedy


def test_a_notebook_without_the_cell_or_in_another_language_declares_none(write_notebook: Callable[..., Path]) -> None:
    assert read_parameters(read_notebook(write_notebook("x = 1", tagged=None))) == ()
    metadata = {"kernelspec": {"name": "ir"}}
    assert read_parameters(read_notebook(write_notebook("x <- 1", metadata=metadata))) == ()


@given(
    st.recursive(
        st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")) | st.dates(),
        st.lists,
        max_leaves=5,
    )
)
def test_a_default_written_as_a_literal_is_read_back(value: object) -> None:
    source = f"x = {python_literal(value)}  # help"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    content = json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]})
    (parameter,) = read_parameters(notebook_from_bytes(Path("x.ipynb"), content.encode()))
    assert parameter.help == "help"
    if parameter.default is not OPAQUE:  # dates are written with `__import__`, which nobody types
        assert repr(parameter.default) == repr(value)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text("xy=1 \n\t#%!?()[]{}:'\",;\\é$+-.", max_size=60))
def test_no_cell_makes_reading_fail_in_another_way_than_by_a_named_error(source: str) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    content = json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]})
    with suppress(ParameterError):
        read_parameters(notebook_from_bytes(Path("x.ipynb"), content.encode()))
