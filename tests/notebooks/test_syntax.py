from __future__ import annotations

import ast

import pytest

from nightbook.notebooks.syntax import Names, parse_around_magics, parse_cell


@pytest.mark.parametrize(
    ("source", "without"),
    [
        ("%matplotlib inline\nx = 1", "x = 1"),
        ("x = 1\n!ls -l | head\ny = 2", "x = 1\ny = 2"),
        ("x = 1\nx?", "x = 1"),
        ("?print\nx = 1", "x = 1"),
        ("%%time\nx = 1", "x = 1"),
        ("\n%%capture out\nx = 1", "x = 1"),
        ("!pip install \\\n  a \\\n  b\nx = 1", "x = 1"),
        ("if True:\n    %time f()\nx = 1", "if True:\n    pass\nx = 1"),
        ("files = !ls\nx = 1", "files = ...\nx = 1"),
        ("out = %sql select 1\nx = 1", "out = ...\nx = 1"),
        ("%%bash\nmonth=6", ""),
        ("", ""),
    ],
)
def test_magics_count_as_empty_lines(source: str, without: str) -> None:
    assert ast.dump(parse_cell(source)) == ast.dump(ast.parse(without))


@pytest.mark.parametrize(
    ("source", "magics"),
    [
        ("%matplotlib inline\nif x:\n  !ls -l", ("%matplotlib inline", "!ls -l")),
        ("%%time\nx = 1\nx?", ("%%time", "x?")),
        ("%%bash\n!ls", ("%%bash",)),
        ("rest = (7\n% 3)", ()),
    ],
)
def test_the_magics_that_were_stepped_over_are_told(source: str, magics: tuple[str, ...]) -> None:
    assert parse_around_magics(source)[1] == magics


@pytest.mark.parametrize(
    "source",
    [
        'text = """\n%magic\n!not a command\n"""',
        "rest = (7\n% 3)",
        "x = '!ls'",
        "ok = 3 %2",
        "await x",
        "x = 1 # is it?",
    ],
)
def test_what_only_looks_like_a_magic_stays(source: str) -> None:
    kept = ast.unparse(parse_cell(source))
    assert kept == ast.unparse(ast.parse(source))


def test_a_text_with_a_percent_line_survives_a_magic_elsewhere() -> None:
    source = 'text = """\n%keep\n"""\n%matplotlib inline'
    assert ast.unparse(parse_cell(source)) == "text = '\\n%keep\\n'"


@pytest.mark.parametrize("source", ["x = ", "month <- 6 +", "def f(:", "x = 1\n  y = 2", "x = \0"])
def test_what_is_not_python_raises(source: str) -> None:
    with pytest.raises(SyntaxError):
        parse_cell(source)


@pytest.mark.parametrize(
    ("imports", "expression", "word"),
    [
        ("from datetime import date", "date", "date"),
        ("from datetime import date as day", "day", "date"),
        ("import datetime", "datetime.date", "date"),
        ("import datetime as dt", "dt.datetime", "datetime"),
        ("import datetime as dt", "dt.datetime.now", "datetime.now"),
        ("from datetime import datetime", "datetime.now", "datetime.now"),
        ("import nightbook as nb", "nb.Input", "Input"),
        ("import nightbook", "nightbook.Input", "Input"),
        ("from nightbook.notebooks.declarations import Input", "Input", "Input"),
        ("import typing as t", "t.Literal", "Literal"),
        ("try:\n    from typing import Annotated\nexcept ImportError:\n    pass", "Annotated", "Annotated"),
        ("from mylib import date", "date", "mylib.date"),
        ("import mylib.deep", "mylib.deep.Input", "mylib.deep.Input"),
        ("", "Literal", "Literal"),
        ("", "f()", ""),
        ("", "f().x", ""),
    ],
)
def test_names_are_traced_to_their_imports(imports: str, expression: str, word: str) -> None:
    assert Names(ast.parse(imports)).word(ast.parse(expression, mode="eval").body) == word


def test_names_imported_in_earlier_cells_count_the_latest_first() -> None:
    earlier = ["from mylib import date as day", "from datetime import date as day", "this is no Python"]
    assert Names(ast.parse(""), earlier).word(ast.Name(id="day")) == "date"
    assert Names(ast.parse("from other import date as day"), earlier).word(ast.Name(id="day")) == "other.date"
