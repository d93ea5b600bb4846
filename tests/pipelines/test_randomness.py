from __future__ import annotations

import ast

import pytest

from nightbook.pipelines.randomness import draws_in, is_seeded, possible_seeds, seeds_in
from nightbook.pipelines.uses import Origins, uses_in

SKLEARN = "from sklearn.model_selection import KFold, train_test_split, ShuffleSplit\n"
FOREST = "from sklearn.ensemble import RandomForestClassifier\n"
NUMPY = "import numpy as np\n"
PYTHON = "import random\n"
TORCH = "import torch\n"


def unseeded(source: str) -> list[str]:
    """The reasons of what draws without a seed."""
    tree, origins = ast.parse(source), Origins()
    origins.learn(tree)
    seeds = seeds_in(tree, origins)
    return sorted({draw.reason for use, draw in draws_in(tree, origins) if not is_seeded(draw, use, seeds)})


@pytest.mark.parametrize(
    "source",
    [
        f"{PYTHON}random.random()",
        "from random import shuffle as sh\nsh(rows)",
        f"{PYTHON}random.Random()",
        f"{PYTHON}random.Random(None)",
        f"{PYTHON}random.SystemRandom(1)",
        f"{PYTHON}random.seed(None)",
        f"{PYTHON}import time\nrandom.seed(time.time())\nrandom.random()",
        f"{PYTHON}random.random()\nrandom.seed(1)",
        f"{PYTHON}x = random.random(); random.seed(1)",
        f"{PYTHON}if x:\n    random.seed(1)\nrandom.random()",
        f"{PYTHON}def f():\n    random.seed(1)\nrandom.random()",
        f"{PYTHON}{NUMPY}random.seed(1)\nnp.random.rand(3)",
        f"{NUMPY}np.random.rand(3)",
        f"{NUMPY}def f():\n    return np.random.normal()",
        f"{NUMPY}f(np.random)",
        f"{NUMPY}np.random.default_rng()",
        f"{NUMPY}np.random.default_rng(seed=None)",
        f"{NUMPY}f(np.random.default_rng)",
        f"{NUMPY}np.random.Generator(np.random.PCG64())",
        "from numpy.random import RandomState\nRandomState()",
        "table.sample(10)",
        "table.groupby('a').sample(frac=0.1)",
        "table.sample(10, random_state=None)",
        f"{SKLEARN}train_test_split(x, y)",
        f"{SKLEARN}train_test_split(x, y, shuffle=True)",
        f"{SKLEARN}train_test_split(x, y, **options)",
        f"{SKLEARN}ShuffleSplit(3)",
        f"{SKLEARN}KFold(shuffle=True)",
        f"{SKLEARN}KFold(3, shuffle=mix)",
        f"{FOREST}RandomForestClassifier(n_estimators=10)",
        f"{FOREST}models = [RandomForestClassifier]",
        "from sklearn import ensemble as e\ne.HistGradientBoostingRegressor()",
        "from sklearn.utils import resample, shuffle\nshuffle(x)",
        "from sklearn.datasets import make_blobs\nmake_blobs(100)",
        "from sklearn.cluster import KMeans\nKMeans(3)",
        "from sklearn.linear_model import SGDClassifier\nSGDClassifier()",
        "from sklearn.neural_network import MLPRegressor\nMLPRegressor()",
        "from scipy import stats\nstats.norm.rvs(size=3)",
        "import secrets\nsecrets.token_hex()",
        "import os\nos.urandom(3)",
        f"{TORCH}torch.rand(3)",
        f"{TORCH}torch.randn_like(x)",
        "from torch import nn\nnn.Linear(3, 4)",
        "weights.normal_()",
    ],
)
def test_draws_that_differ_between_processes_are_found(source: str) -> None:
    assert len(unseeded(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        f"{PYTHON}random.seed(1)\nrandom.random()",
        f"{PYTHON}random.seed(1); random.random()",
        f"{PYTHON}random.seed(seed)\ndef f():\n    return random.random()",
        f"{PYTHON}random.Random(7)",
        f"{NUMPY}np.random.seed(1)\nnp.random.rand(3)\ntable.sample(10)\nstats.norm.rvs()",
        f"{NUMPY}np.random.default_rng(seed)",
        f"{NUMPY}np.random.RandomState(seed=7)",
        f"{NUMPY}np.random.Generator(np.random.PCG64(1))",
        f"{NUMPY}def f(rng: np.random.Generator = x) -> np.random.RandomState: ...",
        f"{NUMPY}isinstance(x, np.random.RandomState)",
        "table.sample(10, random_state=1)",
        "table.sample(10, seed=1)",
        f"{SKLEARN}train_test_split(x, y, random_state=seed)",
        f"{SKLEARN}train_test_split(x, y, shuffle=False)",
        f"{SKLEARN}KFold(3)",
        f"{SKLEARN}KFold(3, shuffle=False)",
        f"{SKLEARN}KFold(3, shuffle=True, random_state=0)",
        f"{SKLEARN}{NUMPY}np.random.seed(0)\ntrain_test_split(x, y)",
        f"{FOREST}RandomForestClassifier(random_state=1)",
        "from sklearn.pipeline import make_pipeline\nmake_pipeline(x)",
        "from sklearn.linear_model import Ridge\nRidge()",
        f"{TORCH}torch.manual_seed(1)\ntorch.rand(3)\ntorch.nn.Linear(3, 4)",
        f"{TORCH}class Net(torch.nn.Module): ...\ntorch.nn.functional.relu(x)\ntorch.zeros(3)",
        "import numpy as np\nnp.mean(x)",
        "import random",
    ],
)
def test_what_is_the_same_in_every_process_is_not(source: str) -> None:
    assert unseeded(source) == []


def test_the_reason_says_what_draws_and_how_to_mend_it() -> None:
    what, end = "draws random numbers without a seed", ", or the cell is run for each set"
    assert unseeded(f"{SKLEARN}train_test_split(x)") == [f"{what} (train_test_split): give random_state=…{end}"]
    remedy = "call np.random.seed(…) before, outside of any function"
    assert unseeded(f"{NUMPY}np.random.rand()") == [f"{what} (numpy.random.rand): {remedy}{end}"]
    assert unseeded("import secrets\nsecrets.token_hex()") == ["draws random numbers (secrets.token_hex)"]


@pytest.mark.parametrize(
    ("source", "families"),
    [
        (f"{NUMPY}def f():\n    np.random.seed(1)", {"numpy"}),
        (f"{PYTHON}if x:\n    random.seed(y)", {"random"}),
        ("from lightning import seed_everything\nseed_everything(1)", {"numpy", "random", "torch"}),
        ("tools.set_seed(1)", {"numpy", "random", "torch"}),
        ("set_seed(1)", {"numpy", "random", "torch"}),
        ("seed = 1\nf(seed)", set()),
    ],
)
def test_what_may_seed_is_told_apart_from_what_is_sure_to(source: str, families: set[str]) -> None:
    tree, origins = ast.parse(source), Origins()
    origins.learn(tree)
    assert {family for use in uses_in(tree, origins) for family in possible_seeds(use)} == families
    assert seeds_in(tree, origins) == {}
