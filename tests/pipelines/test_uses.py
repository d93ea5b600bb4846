from __future__ import annotations

import ast

import pytest

from nightbook.pipelines.uses import Origins, has_keyword, heads, uses_in, words


def paths_in(*cells: str) -> set[str]:
    """The paths used in the last cell."""
    origins = Origins()
    for cell in cells:
        origins.learn(ast.parse(cell))
    return {use.path for use in uses_in(ast.parse(cells[-1]), origins)} - {""}


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        (["import numpy as np", "np.random.rand()"], "numpy.random.rand"),
        (["import numpy.random", "numpy.random.rand()"], "numpy.random.rand"),
        (["import numpy.random as r", "r.rand()"], "numpy.random.rand"),
        (["from random import shuffle as sh", "sh([1])"], "random.shuffle"),
        (["from datetime import datetime", "datetime.now()"], "datetime.datetime.now"),
        (["import numpy as np", "rnd = np.random", "rnd.rand()"], "numpy.random.rand"),
        (["import numpy as np", "a = np\nb = a.random\nc = b.rand", "c()"], "numpy.random.rand"),
        (["if True:\n    import time as t", "t.time()"], "time.time"),
        (["def f():\n    import time as t", "def g():\n    return t.time()"], "time.time"),
        (["import os\ngetattr(os, 'environ')['A']"], "os.environ"),
        (["import os\nf(lambda: [os.getpid() for _ in 'ab'])"], "os.getpid"),
        (["import os\nf'{os.getpid()}'"], "os.getpid"),
        (["import os\n@os.register_at_fork\ndef f(): ..."], "os.register_at_fork"),
        (["import os\ngetattr(table, 'size', os.getpid())"], "os.getpid"),
        (["import os\ntable(os.getpid()).head().size"], "os.getpid"),
        (["open('a')"], "builtins.open"),
        (["save = open", "save('a')"], "builtins.open"),
        (["display(1)"], "builtins.display"),
    ],
)
def test_names_are_traced_to_what_they_were_imported_from(cells: list[str], path: str) -> None:
    assert path in paths_in(*cells)


@pytest.mark.parametrize("cell", ["signal = table['a']\nsignal.mean()", "time = 5\ntime + 1", "x = x.real.real"])
def test_a_variable_that_no_import_made_comes_from_nowhere(cell: str) -> None:
    assert paths_in(cell) == set()


def test_an_annotation_is_no_use() -> None:
    assert paths_in("import os\ndef f(a: os.environ, *b: os.environ) -> os.environ: ...\nx: os.environ = 1") == set()


def test_a_name_with_two_origins_has_both() -> None:
    cell = "try:\n    import fast as r\nexcept ImportError:\n    import random as r"
    assert paths_in(cell, "r.x()") == {"fast.x", "random.x"}


def test_a_use_knows_its_call_its_method_and_its_position() -> None:
    (sample,) = uses_in(ast.parse("x = 1\ntable.sample(3, seed=None)").body[1], Origins())
    assert (sample.method, sample.path, sample.position) == ("sample", "", (2, 0))
    assert sample.call is not None
    assert not has_keyword(sample.call, "seed")


def test_names_that_code_binds_are_kept() -> None:
    origins = Origins()
    origins.learn(ast.parse("a = 1\ndef b(): ...\nimport c.d\nfor e in []: ...\nwith f as g: ..."))
    assert origins.bound == {"a", "b", "c", "e", "g"}


def test_the_heads_of_a_path_come_longest_first() -> None:
    assert list(heads("a.b.c")) == ["a.b.c", "a.b", "a"]
    assert list(heads("")) == []


def test_a_table_of_names_is_written_as_a_text() -> None:
    assert words("a b  c") == {"a", "b", "c"}
