from __future__ import annotations

import ast

import pytest

from nightbook.pipelines.magics import read_code, unknown_magic


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\nx = 1",
        "%config InlineBackend.figure_formats = {'retina'}",
        "%precision 3",
        "%%time\nx = 1",
        "%time x = 1",
        "%%capture shown\nx = 1",
        "%%html\n<b>!</b>",
        "print?",
        "??print",
        "x = 7\nx % 3",
        "",
        "print",
        "known",
        "known.head()",
        "known\nunknown",
    ],
)
def test_what_does_the_same_in_every_run_is_harmless(source: str) -> None:
    assert unknown_magic(read_code(source), {"known"}) == ""


@pytest.mark.parametrize(
    "source",
    [
        "%run setup.py",
        "x = 1\n%store -r table",
        "%%bash\nls",
        "%env A=1",
        "!ls",
        "files = !ls",
        "x = %time f()",
        "%load_ext autoreload",
        "%matplotlib widget",
        "%matplotlib",
        "%timeit f()",
        "%%timeit\nf()",
        "%whos",
        "if True:\n    %cd ..",
        "!ls?",
        "%%time\n%%bash\nls",
        "%config InlineBackend.rc = \\\n  {}",
        "%%writefile a.py\nx = 1",
        "%precision {f()}",
        "%config InlineBackend.rc = {f()}",
        "know*?",
    ],
)
def test_any_other_command_is_not(source: str) -> None:
    assert "may read or change anything" in unknown_magic(read_code(source), set())


@pytest.mark.parametrize("source", ["whos", "who", "\npwd\n", "cd - a", "%%time\nwhos", "%time whos"])
def test_a_lone_word_that_nobody_defines_may_be_a_command(source: str) -> None:
    assert "IPython may take it for a command" in unknown_magic(read_code(source), {"known"})


def test_a_long_command_is_shortened() -> None:
    assert "…," in unknown_magic(read_code(f"!echo {'a' * 100}"), set())


def test_a_timed_statement_is_code() -> None:
    code = read_code("if True:\n    %time x = f()")
    assert code.is_timed
    assert ast.unparse(code.tree) == "if True:\n    x = f()"


def test_a_broken_cell_is_no_code() -> None:
    with pytest.raises(SyntaxError):
        read_code("x = ")
