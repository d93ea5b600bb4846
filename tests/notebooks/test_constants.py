from __future__ import annotations

import ast
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.notebooks.constants import NotConstantError, WrongConstantError, evaluate, result_of
from nightbook.notebooks.syntax import Names
from nightbook.notebooks.types import Scalar

NAMES = Names(
    ast.parse(
        "import math, os, datetime as dt\nimport numpy as np\n"
        "from datetime import date, datetime, timedelta, timezone, UTC\nfrom decimal import Decimal\n"
        "from pathlib import Path"
    )
)


def expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("60 * 60", 3600),
        ("-1", -1),
        ("2 ** 10", 1024),
        ("7 // 2 + 7 % 2 - 1 / 2", 3.5),
        ("not True", False),
        ("~5", -6),
        ("1e-3", 0.001),
        ("'a' 'b' + 'c'", "abc"),
        ("'-' * 3", "---"),
        ("[1, (2,), {'a': None}]", [1, (2,), {"a": None}]),
        ("date(2013, 1, 1)", date(2013, 1, 1)),
        ("dt.date(2013, month=1, day=1)", date(2013, 1, 1)),
        ("date(2013, 1, 31) + timedelta(days=1)", date(2013, 2, 1)),
        ("date.fromisoformat('2013-01-01')", date(2013, 1, 1)),
        ("datetime(2013, 1, 1, tzinfo=UTC)", datetime(2013, 1, 1, tzinfo=UTC)),
        (
            "datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=1)))",
            datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        ),
        ("Path('a') / 'b'", Path("a/b")),
        ("Decimal('1.10')", Decimal("1.10")),
        ("math.inf", math.inf),
        ("-np.inf", -math.inf),
        ("float('inf')", math.inf),
        ("int('7')", 7),
        ("dict(a=1)", {"a": 1}),
    ],
)
def test_constant_expressions_have_the_value_that_python_gives_them(source: str, value: object) -> None:
    result = evaluate(expression(source), NAMES)
    assert result == value
    assert type(result) is type(value)


def test_not_a_number_is_a_constant() -> None:
    assert all(
        math.isnan(float(str(evaluate(expression(text), NAMES)))) for text in ("float('nan')", "math.nan", "np.nan")
    )


@pytest.mark.parametrize(
    "source",
    [
        "x",
        "os.environ['HOME']",
        "date.today()",
        "f'{x}'",
        "...",
        "{1, 2}",
        "{**x}",
        "dict(**x)",
        "max(*x)",
        "lambda: 1",
        "[i for i in 'ab']",
        "open('/etc/passwd')",
        "__import__('os').system('true')",
        "().__class__",
        "10 ** 10 ** 10",
        "'a' * 10 ** 9",
        "[0] * 10 ** 9",
        "'%999999999d' % 1",
        "1 << 10 ** 9",
        "1 if True else 2",
        "(x := 1)",
    ],
)
def test_other_expressions_are_neither_run_nor_computed(source: str) -> None:
    with pytest.raises(NotConstantError):
        evaluate(expression(source), NAMES)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("date(2013, 13, 1)", "month must be in 1..12"),
        ("1 / 0", "division by zero"),
        ("1 + 'a'", "unsupported"),
        ("int('x')", "invalid literal"),
    ],
)
def test_a_constant_that_would_raise_says_what_python_would(source: str, said: str) -> None:
    with pytest.raises(WrongConstantError, match=said):
        evaluate(expression(source), NAMES)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_literal_evaluates_to_itself(value: object) -> None:
    assert evaluate(expression(repr(value)), NAMES) == value


@pytest.mark.parametrize(
    ("source", "scalar"),
    [
        ("date.today()", Scalar.DATE),
        ("datetime.now(UTC)", Scalar.DATETIME),
        ("Path.cwd()", Scalar.PATH),
        ("int(os.environ['N'])", Scalar.INT),
        ("os.environ['HOME']", Scalar.STR),
        ("f'{x}'", Scalar.STR),
        ("load()", None),
        ("x", None),
    ],
)
def test_some_calls_say_the_type_of_what_they_give(source: str, scalar: Scalar | None) -> None:
    assert result_of(expression(source), NAMES) == scalar
