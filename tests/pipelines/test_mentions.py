from __future__ import annotations

import ast

import pytest

from nightbook.pipelines.mentions import is_main_idiom, namespace_reading, reflection, varied_mention, word_mention
from nightbook.pipelines.uses import Origins


def looks(source: str) -> str:
    tree, origins = ast.parse(source), Origins()
    origins.learn(tree)
    return reflection(tree, origins)


@pytest.mark.parametrize(
    "source",
    [
        "x = alpha",
        "def f():\n    def g():\n        return alpha",
        "f(lambda: alpha)",
        "[x for x in range(alpha)]",
        "f'{1 + alpha}'",
        "f'{alpha=}'",
        "f'{x:{alpha}}'",
        "@alpha\ndef f(): ...",
        "def f(a: alpha): ...",
        "def f() -> alpha: ...",
        "def f(a=alpha): ...",
        "alpha.attribute",
        "alpha[0] = 1",
        "class A(alpha): ...",
        "match x:\n    case alpha.y: ...",
        "lambda alpha: alpha",
    ],
)
def test_reading_a_varied_name_at_any_depth_is_a_use(source: str) -> None:
    assert varied_mention(ast.parse(source), {"alpha"}) == "uses alpha, which varies"


@pytest.mark.parametrize(
    "source",
    [
        "alpha = 1",
        "alpha += 1",
        "del alpha",
        "alpha: int = 1",
        "(x, *alpha) = y",
        "for alpha in x: ...",
        "with x as alpha: ...",
        "try: ...\nexcept E as alpha: ...",
        "def alpha(): ...",
        "class alpha: ...",
        "import alpha",
        "import x as alpha",
        "import x.alpha",
        "from x import alpha",
        "from x import alpha as y",
        "from alpha import x",
        "def f():\n    global alpha",
        "(alpha := 1)",
        "match x:\n    case alpha: ...",
        "match x:\n    case {**alpha}: ...",
        "def f(alpha): ...",
    ],
)
def test_binding_a_varied_name_counts_too(source: str) -> None:
    assert varied_mention(ast.parse(source), {"alpha"}) == "assigns alpha, which varies"


@pytest.mark.parametrize(
    "source",
    ["table.query('x > @alpha')", "f'x > @alpha and {y}'", "['alpha']", "'a' 'lpha'", "table.loc[x, f('alpha')]"],
)
def test_a_text_with_the_name_as_a_word_may_be_evaluated(source: str) -> None:
    wanted = "has a text with the word alpha, which varies"
    assert varied_mention(ast.parse(f"x = {source}"), {"alpha"}) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "table.alpha",
        "Ridge(alpha=1)",
        "table['alpha']",
        "table.loc[rows, 'alpha']",
        "table[['alpha', 'beta']]",
        "def f():\n    'What alpha does.'",
        "alphabet = 'alphabet'",
        "# alpha",
        "match x:\n    case A(alpha=1): ...",
    ],
)
def test_attributes_arguments_keys_and_prose_are_other_things(source: str) -> None:
    assert varied_mention(ast.parse(source), {"alpha"}) == ""


def test_several_names_are_listed() -> None:
    assert varied_mention(ast.parse("b + a"), {"a", "b", "c"}) == "uses a and b, which vary"


def test_letters_that_python_takes_for_the_same_are_the_same() -> None:
    assert varied_mention(ast.parse("x = \N{MATHEMATICAL ITALIC SMALL A}lpha"), {"alpha"})
    assert word_mention(["@\N{MATHEMATICAL ITALIC SMALL A}lpha"], {"alpha"})


@pytest.mark.parametrize(
    "source",
    [
        *("globals()['a']", "locals()", "vars()", "dir()", "exec('x')", "eval('x')", "compile('x', '', 'exec')"),
        *("__import__('x')", "get_ipython().user_ns", "from IPython import get_ipython", "shell.user_ns", "x = eval"),
        "import builtins\nbuiltins.eval('x')",
        "import builtins as b\ngetattr(b, 'eval')('x')",
        "import builtins\ngetattr(builtins, name)('x')",
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module as load\nload(name)",
        "import importlib.util\nimportlib.util.spec_from_file_location('a', 'b')",
        "import runpy\nrunpy.run_path('a.py')",
        "import sys\nsys._getframe(0)",
        "import sys\nsys.modules[__name__]",
        "import inspect\ninspect.stack()",
        "from inspect import stack",
        "import inspect as i\ni.stack()",
        "import inspect\ninspect.currentframe()",
        "import __main__",
        "sys.modules['__main__']",
        "from features import *",
        "from math import *",
        "f.__globals__['a']",
        "from IPython.core.interactiveshell import InteractiveShell",
        "print.__self__.globals()",
        "import doctest\ndoctest.testmod()",
        "import dill\ndill.dump_session('a')",
        "Out[3]",
        "In[2]",
        "_3 + 1",
        "_i2",
        "table.query(text)",
        "table.eval(expr=text)",
        "pd.eval('a' + b)",
        "import numexpr as ne\nne.evaluate(text)",
        "import statsmodels.formula.api as smf\nsmf.ols('y ~ ' + names, table)",
        "try: ...\nexcept E as e:\n    e.__traceback__.tb_frame",
    ],
)
def test_looking_into_the_namespace_is_found(source: str) -> None:
    assert looks(source) != ""


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module('json')",
        "import re\nre.compile('a')",
        "model.eval()",
        "table.query('x > 1')",
        "import ast\nast.literal_eval('1')",
        "getattr(row, column)",
        "if __name__ == '__main__':\n    main()",
        "import logging\nlogging.getLogger(__name__)",
        "_, second = pair",
        "import statsmodels.formula.api as smf\nsmf.ols('y ~ x', table)",
    ],
)
def test_what_only_resembles_it_is_not(source: str) -> None:
    assert looks(source) == ""


@pytest.mark.parametrize(
    "source",
    [
        "import __main__",
        "import sys\ndef f():\n    return sys.modules['__main__'].alpha",
        "def f():\n    from IPython import get_ipython",
        "import sys\nframe = sys._getframe(1)",
        "def f():\n    return frame.f_back.f_globals",
        "import inspect\ninspect.stack()",
    ],
)
def test_a_module_that_reads_the_notebooks_names_is_found(source: str) -> None:
    assert namespace_reading(ast.parse(source)) != ""


@pytest.mark.parametrize(
    "source",
    [
        "if __name__ == '__main__':\n    main()",
        "x = globals()",
        "'Run as __main__.'",
        "def f():\n    'Like get_ipython.'",
        "from math import *",
    ],
)
def test_a_modules_own_namespace_is_its_own_affair(source: str) -> None:
    assert namespace_reading(ast.parse(source)) == ""


def test_the_test_for_a_program_is_recognised() -> None:
    assert is_main_idiom(ast.parse("__name__ == '__main__'", mode="eval").body)
    assert not is_main_idiom(ast.parse("__name__ == 'x'", mode="eval").body)
