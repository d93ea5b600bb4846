from __future__ import annotations

import io
import json
import random
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightbook.notebooks.document import notebook_from_bytes
from nightbook.notebooks.parameters import Binding
from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.memory import Memory
from nightbook.pipelines.modules import ModuleFinder
from nightbook.pipelines.prefix import CellVerdict, Split, split, split_stage
from nightbook.pipelines.stage import Stage, load_stage
from nightbook.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.pipelines.conftest import Project

ROOT = Path(__file__).parents[2]
DECLARED = "from nightbook import Input, Output\nalpha: float = 0.1\nbeta: int = 2\nout: Output = '../data/alpha.csv'"
VARIED = ("alpha", "out")


def stage_of(
    folder: Path, sources: Sequence[str], tags: Sequence[str] = (), kind: str = "code", language: str = "python"
) -> Stage:
    """A notebook whose first cell has tags; it is on no disk, but its folder is."""
    cells = [
        {"cell_type": kind if number else "code", "source": source, "metadata": {"tags": [] if number else list(tags)}}
        for number, source in enumerate(sources)
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    path = folder / "notebooks" / "train.ipynb"
    notebook = notebook_from_bytes(path, json.dumps(content).encode())
    binding = Binding(values={}, given={})
    return Stage(name="train", notebook=notebook, parameters=(), binding=binding, language=language)


class Sweep:
    """A project in a folder, of which one notebook is swept over `alpha`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, source: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    def split_stage(self, stage: Stage) -> Split:
        digests = FileDigests(self.root / "state" / "digests.json")
        finder = ModuleFinder([self.root, self.root / "src"], digests, Memory(self.root / "state" / "code.json"))
        return split(stage, VARIED, finder)

    def split(self, *cells: str, declared: str = DECLARED) -> Split:
        """The split of a notebook whose cell 0 declares the parameters."""
        return self.split_stage(stage_of(self.root, [declared, *cells], ["parameters"]))

    def reason(self, *cells: str) -> str:
        """Why the last cell is not shared, empty when it is."""
        return self.split(*cells).cells[-1].reason


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_the_cells_before_the_first_that_uses_what_varies_are_shared(sweep: Sweep) -> None:
    parted = sweep.split("table = load(beta)", "model = fit(alpha)", "table.head()")
    assert parted.shared == (0, 1)
    assert [cell.reason for cell in parted.cells] == ["", "", "uses alpha, which varies", "after cell 2"]
    assert parted.parting == parted.cells[2]
    assert parted.summary == (
        "cells 0 to 1 run once for all sets; from cell 2 on each set runs its own: it uses alpha, which varies"
    )


def test_a_notebook_in_which_nothing_depends_is_shared_whole(sweep: Sweep) -> None:
    parted = sweep.split("table = load(beta)")
    assert (parted.shared, parted.parting) == ((0, 1), None)
    assert parted.summary == "cells 0 to 1 run once for all sets: no cell depends on what varies"


@pytest.mark.parametrize("cells", [(), ("",), ("# only a comment",)])
def test_declarations_alone_are_not_worth_sharing(sweep: Sweep, cells: tuple[str, ...]) -> None:
    parted = sweep.split(*cells)
    assert parted.shared == ()
    assert parted.summary == "nothing is shared: no cell does more than declare parameters"


def test_nothing_is_shared_when_the_first_cell_that_does_something_depends(sweep: Sweep) -> None:
    parted = sweep.split("\n", "x = alpha", "y = 1")
    assert parted.shared == ()
    assert parted.summary == "nothing is shared: the first cell that does something, cell 2, uses alpha, which varies"


@pytest.mark.parametrize(
    "declared",
    [
        "alpha = 0.1",
        "alpha: float = 0.1  # strength of alpha",
        "alpha = 60 * 60",
        "from pathlib import Path\nalpha = Path('alpha')",
        "from typing import Annotated, Literal\nalpha: Annotated[Literal['alpha', 'b'], 'alpha'] = 'alpha'",
        "alpha: float",
        "names = ['alpha']",
    ],
)
def test_the_parameters_cell_is_shared(sweep: Sweep, declared: str) -> None:
    assert sweep.split("x = 1", declared=declared).shared == (0, 1)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("alpha = 1\ngamma = alpha * 2", "uses alpha, which varies"),
        ("alpha = 1\nprint(f'{alpha}')", "uses alpha, which varies"),
        ("import random\nalpha = random.random()", "draws random numbers without a seed (random.random)"),
        ("import os\nalpha = os.environ['A']", "uses os.environ: each run has its own environment"),
        ("alpha = eval('1')", "uses eval, which can reach every name"),
    ],
)
def test_a_parameters_cell_that_does_more_is_judged_like_any_other(sweep: Sweep, declared: str, reason: str) -> None:
    assert sweep.split("x = 1", declared=declared).cells[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("x = (", "cannot be read as Python ('(' was never closed)"),
        ("x = 1\n%run more.py", "has the command %run more.py, which may read or change anything"),
        ("%%html\n<b>alpha</b>", "has a text with the word alpha, which varies"),
        ("alpha?", "has a text with the word alpha, which varies"),
        ("%time fit(alpha)", "uses alpha, which varies"),
        ("whos", "has whos, which no cell before defines: IPython may take it for a command"),
        ("values = globals()", "uses globals, which can reach every name"),
        ("import mlflow", "imports mlflow: what it logs belongs to one run"),
        ("from nightbook import log_table\nlog_table('a', b)", "uses nightbook.log_table, which belongs to each run"),
        ("import sys\nsys.path.insert(0, folder)", "changes sys.path to what is known only when it runs"),
        ("import sys\nsys.path += ['lib']", "changes sys.path to what is known only when it runs"),
    ],
)
def test_each_kind_of_dependence_has_its_words(sweep: Sweep, cell: str, reason: str) -> None:
    assert sweep.reason(cell).startswith(reason)


def test_the_first_reason_that_stands_in_a_cell_is_told(sweep: Sweep) -> None:
    cell = "import os, uuid\nb = uuid.uuid4()\na = os.getpid()"
    assert sweep.reason(cell) == "uses uuid.uuid4: each run has its own identifiers"


def test_imports_of_the_cells_before_count(sweep: Sweep) -> None:
    reason = sweep.reason("from sklearn.model_selection import train_test_split as parts", "a, b = parts(table)")
    assert reason.startswith("draws random numbers without a seed (train_test_split)")


def test_a_function_is_judged_where_it_is_defined(sweep: Sweep) -> None:
    parted = sweep.split("import random", "def draw():\n    return random.random()", "draw()")
    assert parted.parting is not None
    assert parted.parting.index == 2


def test_a_seed_in_a_cell_before_holds(sweep: Sweep) -> None:
    parted = sweep.split("import numpy as np\nnp.random.seed(beta)", "x = np.random.rand(3)", "y = alpha")
    assert parted.shared == (0, 1, 2)
    assert parted.seeded == ("numpy",)


def test_a_seed_that_varies_parts_the_sets(sweep: Sweep) -> None:
    assert sweep.reason("import random\nrandom.seed(alpha)") == "uses alpha, which varies"


def test_generators_that_a_function_may_seed_are_told(sweep: Sweep) -> None:
    parted = sweep.split("import random\ndef start():\n    random.seed(1)\nstart()", "y = alpha")
    assert parted.seeded == ("random",)
    assert sweep.split("x = 1", "import random\nrandom.seed(1)\ny = alpha").seeded == ()


def test_notes_say_what_a_reader_must_know(sweep: Sweep) -> None:
    parted = sweep.split("%%time\nimport time\nstart = time.time()\ntable.to_csv('a.csv')")
    assert parted.cells[-1] == CellVerdict(
        index=1,
        is_shared=True,
        notes=(
            "measures time: all sets show how long it took once",
            "reads the clock: all sets see the time at which it ran once",
            "writes a file: once, for all sets",
        ),
    )
    assert parted.cells[-1].explanation.startswith("measures time: all sets show how long it took once; reads the")


def test_cells_that_do_not_execute_are_left_out(sweep: Sweep) -> None:
    for tag in ("skip-execution", "injected-parameters"):
        parted = sweep.split_stage(stage_of(sweep.root, ["alpha = 3", "x = 1", "y = alpha"], [tag]))
        assert [cell.index for cell in parted.cells] == [1, 2]
    parted = sweep.split_stage(stage_of(sweep.root, ["x = 1", "# About alpha"], kind="markdown"))
    assert [cell.index for cell in parted.cells] == [0]


def test_only_python_is_judged(sweep: Sweep) -> None:
    parted = sweep.split_stage(stage_of(sweep.root, ["x <- 1"], language="R"))
    assert (parted.cells, parted.shared) == ((), ())
    assert parted.summary == "nothing is shared: the notebook is in R; only Python can be judged"


def test_a_harmless_module_of_the_project_is_shared(sweep: Sweep) -> None:
    sweep.write("src/features.py", "import re\nif __name__ == '__main__':\n    sys.exit(main())\nalpha = globals()")
    assert sweep.reason("from features import build") == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import __main__", "uses __main__, where the notebook's names are"),
        ("def f():\n    return get_ipython()", "uses get_ipython, which can reach the notebook's names"),
        ("import mlflow", "imports mlflow: what it logs belongs to one run"),
        ("import numpy as np\ndef f():\n    return np.random.rand()", "draws random numbers without a seed"),
        ("import sys\nsys.path.append('lib')", "changes sys.path"),
        ("x = (", "cannot be read as Python"),
    ],
)
def test_a_module_that_reads_or_does_more_parts_the_sets(sweep: Sweep, source: str, reason: str) -> None:
    sweep.write("src/features.py", "import deeper")
    sweep.write("notebooks/deeper.py", source)
    parted = sweep.split("x = 1", "def f():\n    from features import build", "y = 2")
    assert parted.shared == (0, 1)
    assert parted.cells[2].reason.startswith(f"imports deeper.py, which {reason}")


def test_a_module_rests_on_the_seeds_of_the_notebook(sweep: Sweep) -> None:
    sweep.write("src/features.py", "import numpy as np\nimport time\nx = np.random.rand()\ny = time.time()")
    parted = sweep.split("import numpy as np\nnp.random.seed(1)", "import features")
    assert parted.shared == (0, 1, 2)
    note = "imports ../src/features.py, which reads the clock: all sets see the time at which it ran once"
    assert parted.cells[2].notes == (note,)


def test_a_folder_put_on_the_path_in_so_many_words_is_searched(sweep: Sweep) -> None:
    sweep.write("lib/tools.py", "import __main__")
    assert sweep.reason("import sys\nsys.path.insert(0, '../lib')") == ""
    assert sweep.reason("import sys\nsys.path.insert(0, '../lib')", "import tools").startswith(
        "imports ../lib/tools.py"
    )


def test_a_stage_of_a_project_is_split_with_its_modules(project: Project) -> None:
    project.notebook("notebooks/train.ipynb", "alpha: float = 0.1", "import features", "x = alpha")
    project.write("src/features.py", "import uuid")
    known = project.settings
    digests = FileDigests(known.cache_folder / "digests.json")
    stage = load_stage(known, project.root / "notebooks" / "train.ipynb")
    assert split_stage(stage, known, digests, {"alpha"}).shared == (0, 1)
    project.write("src/features.py", "import __main__")
    digests = FileDigests(known.cache_folder / "digests.json")
    assert split_stage(stage, known, digests, {"alpha"}).shared == ()


@pytest.mark.parametrize(
    ("notebook", "varied", "last"),
    [
        ("train", {"learning_rate", "trees", "model_file"}, 4),
        ("train", {"last_month", "model_file"}, 2),
        ("prepare", {"history_days", "features_file"}, 8),
        ("score", {"warn_minutes", "scores_file"}, 4),
        ("collect", {"months"}, 4),
    ],
)
def test_the_example_project_is_split_where_a_reader_would(
    tmp_path: Path, notebook: str, varied: set[str], last: int
) -> None:
    known = load_settings(ROOT, environment={})
    stage = load_stage(known, ROOT / "notebooks" / f"{notebook}.ipynb")
    assert split_stage(stage, known, FileDigests(tmp_path / "digests.json"), varied).shared[-1] == last


# Whatever the program: pieces that mention a varied name, pieces that do not, and pieces with effects, in any nesting.
NAMES = st.sampled_from(["alpha", "beta", "table", "alphabet", "np"])
EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.sampled_from(["1", "'a'", "'alpha'", "'x > @alpha'", "f'{alpha}'", "None"])),
    lambda inner: st.one_of(
        st.builds("({} + {})".format, inner, inner),
        st.builds("{}({}, key={})".format, NAMES, inner, inner),
        st.builds("(lambda {}: {})".format, NAMES, inner),
        st.builds("[{} for {} in {}]".format, inner, NAMES, inner),
        st.builds("{}[{}]".format, NAMES, inner),
        st.builds("f'{{{}!r}}'".format, NAMES),
        st.builds("({} := {})".format, NAMES, inner),
    ),
    max_leaves=6,
)
STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS,
        st.builds("{} = {}".format, NAMES, EXPRESSIONS),
        st.builds("import {}".format, NAMES),
        st.builds("from x import {} as {}".format, NAMES, NAMES),
        st.builds("del {}".format, NAMES),
        st.builds("%time {}".format, EXPRESSIONS),
        st.builds("!echo {}".format, NAMES),
        st.sampled_from(
            ["%matplotlib inline", "import random\nrandom.seed(1)", "x = open('a', 'w')", "globals()", "x ="]
        ),
    ),
    lambda inner: st.one_of(
        st.builds(lambda name, body: f"def {name}():\n" + indented(body), NAMES, inner),
        st.builds(lambda name, body: f"for {name} in table:\n" + indented(body), NAMES, inner),
        st.builds("{}\n{}".format, inner, inner),
    ),
    max_leaves=4,
)
PROGRAMS = st.lists(STATEMENTS, max_size=5)
# Nothing is read from a text that stands alone below the cell's own level, and from one in brackets, which is a key.
DOCSTRINGS_AND_KEYS = re.compile(r"(?m)^ +(%time )?'[^'\n]*'$|(?<=\w)\['[^'\n]*'\]")


def indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def names_in(cell: str) -> set[str]:
    """The words outside texts, as Python's own tokenizer finds them; all words when it finds none."""
    code = "\n".join(line.replace("%time ", "").replace("%matplotlib inline", "pass") for line in cell.splitlines())
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


@pytest.fixture(scope="module")
def empty_sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    return Sweep(tmp_path_factory.mktemp("sweep"))


@given(program=PROGRAMS)
@example(program=["'x > @alpha'"])
@example(program=["def beta():\n    'x > @alpha'"])
@example(program=["table['x > @alpha']"])
def test_no_shared_cell_holds_a_varied_name(empty_sweep: Sweep, program: list[str]) -> None:
    parted = empty_sweep.split(*program)
    for cell in parted.cells[1:]:
        if cell.is_shared:
            source = DOCSTRINGS_AND_KEYS.sub("", program[cell.index - 1])
            assert not names_in(source).intersection(VARIED)
            assert not re.search(r"(?:@|\{)alpha\b", source)


@given(program=PROGRAMS)
def test_shared_cells_lead_and_every_other_has_a_reason(empty_sweep: Sweep, program: list[str]) -> None:
    parted = empty_sweep.split(*program)
    shared = [cell.is_shared for cell in parted.cells]
    assert shared == sorted(shared, reverse=True)
    assert [cell.index for cell in parted.cells] == list(range(len(program) + 1))
    assert all(bool(cell.reason) != cell.is_shared for cell in parted.cells)
    assert parted.shared in {(), tuple(range(sum(shared)))}
    assert bool(parted.shared) != bool(parted.reason)


@given(program=PROGRAMS, later=STATEMENTS)
def test_what_comes_later_changes_no_verdict(empty_sweep: Sweep, program: list[str], later: str) -> None:
    assert empty_sweep.split(*program, later).cells[:-1] == empty_sweep.split(*program).cells


# Ways to a value that are not its name, and what is harmless among them.
WAYS = [
    "x = alpha",
    "x = beta",
    "x = x + 1",
    "def f():\n    return alpha",
    "def f():\n    return beta",
    "x = f()",
    "f = lambda: gamma",
    "gamma = 1",
    "name = 'al' + 'pha'",
    "x = globals()['al' + 'pha']",
    "x = eval(name)",
    "from builtins import eval as run\nx = run(name)",
    "run = eval",
    "x = run(name)",
    "import builtins\nx = getattr(builtins, 'ev' + 'al')(name)",
    "x = print.__self__.eval(name)",
    "x = f.__globals__[name]",
    "x = vars()[name]",
    "import sys\nx = sys._getframe().f_globals[name]",
    "import inspect as i\nx = i.currentframe().f_globals[name]",
    "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    x = error.__traceback__.tb_frame.f_globals[name]",
    "x = sorted(one for one in dir() if one > name)",
    "exec(f'x = {name}')",
    "x = '{alpha}'.format(**locals())",
    "import random",
    "random.seed(3)",
    "random.seed()",
    "x = random.random()",
    "from random import Random\nx = Random().random()",
    "from random import Random as R\nx = R(1).random()",
    "import os, uuid\nx = os.urandom(3), uuid.uuid4()",
    "del gamma",
    "class A:\n    x = beta\nx = A.x",
    "x = {'alpha': 1}['alpha']",
]


def values_after(cells: list[str], alpha: int) -> list[dict[str, str]]:
    """What the names that a reader sees stand for after each cell, up to the first that fails."""
    namespace: dict[str, object] = {"alpha": alpha, "beta": 7}
    seen = list[dict[str, str]]()
    for cell in cells:
        try:
            exec(cell, namespace)  # the cells are those above
        except Exception as error:  # noqa: BLE001 - a cell that fails ends the run, whatever it raises
            return [*seen, {"error": type(error).__name__}]
        plain = (int, float, str, bytes, list, tuple, dict)
        seen.append(
            {name: repr(value) for name, value in namespace.items() if type(value) in plain and name != "alpha"}
        )
    return seen


@settings(max_examples=300)
@given(cells=st.lists(st.sampled_from(WAYS), max_size=8))
def test_shared_cells_do_the_same_for_every_value(empty_sweep: Sweep, cells: list[str]) -> None:
    parted = empty_sweep.split(*cells)
    shared = [cells[cell.index - 1] for cell in parted.cells[1:] if cell.is_shared]
    state = random.getstate()
    try:
        assert values_after(shared, alpha=1) == values_after(shared, alpha=2)
    finally:
        random.setstate(state)
