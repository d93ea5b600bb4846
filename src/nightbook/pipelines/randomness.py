"""Random numbers that two processes would draw differently, and the seeds that make them the same."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.pipelines.uses import has_keyword, heads, uses_in, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightbook.pipelines.uses import Origins, Use

PYTHON, NUMPY, TORCH = "random", "numpy", "torch"
_FAMILIES = frozenset({PYTHON, NUMPY, TORCH})
_SEEDERS = {
    "random.seed": PYTHON,
    "random.setstate": PYTHON,
    "numpy.random.seed": NUMPY,
    "numpy.random.set_state": NUMPY,
    "torch.manual_seed": TORCH,
    "torch.random.manual_seed": TORCH,
    "torch.set_rng_state": TORCH,
}
_REMEDIES = {
    PYTHON: "call random.seed(…) before, outside of any function",
    NUMPY: "call np.random.seed(…) before, outside of any function",
    TORCH: "call torch.manual_seed(…) before, outside of any function",
}
_STATE = "give random_state=…"
# They make generators of their own, which differ unless they are given a seed.
_GENERATORS = words(
    "random.Random numpy.random.default_rng numpy.random.RandomState numpy.random.SeedSequence numpy.random.PCG64 "
    "numpy.random.PCG64DXSM numpy.random.MT19937 numpy.random.Philox numpy.random.SFC64"
)
_CLASSES = _GENERATORS - {"numpy.random.default_rng"}
_NOT_DRAWING = words(
    "random.getstate numpy.random.get_state numpy.random.Generator numpy.random.BitGenerator "
    "numpy.random.bit_generator torch.Generator torch.nn.functional torch.nn.Module torch.nn.Parameter "
    "torch.nn.utils torch.random.get_rng_state"
)
_ALWAYS = frozenset({"secrets", "os.urandom", "random.SystemRandom", "torch.seed", "torch.random.seed"})
_TORCH = re.compile(
    r"torch\.(?:rand|randn|randint|randperm|normal|bernoulli|multinomial|poisson)(?:_like)?$"
    r"|torch\.nn\.\w|torch\.distributions\b|torch\.utils\.data\.(?:DataLoader|random_split|RandomSampler)$"
)
_TORCH_METHODS = frozenset({"normal_", "uniform_", "random_", "bernoulli_", "exponential_"})
# Of scikit-learn and what follows its ways: they take `random_state`, and NumPy's generator without it.
_STATEFUL = re.compile(
    r"train_test_split|(?:Stratified|Group)?ShuffleSplit|Repeated(?:Stratified)?KFold|permutation_importance"
    r"|(?:RandomForest|ExtraTrees?|Bagging|(?:Hist)?GradientBoosting|AdaBoost|SGD|MLP|DecisionTree|PassiveAggressive)"
    r"(?:Classifier|Regressor)|RandomTreesEmbedding|IsolationForest|SGDOneClassSVM|Perceptron|BernoulliRBM"
    r"|(?:MiniBatch|Bisecting)?KMeans|Spectral(?:Clustering|Embedding|Biclustering|Coclustering)"
    r"|(?:Bayesian)?GaussianMixture|TruncatedSVD|FastICA|(?:MiniBatch)?(?:NMF|DictionaryLearning|SparsePCA)"
    r"|LatentDirichletAllocation|TSNE|MDS|UMAP|(?:Halving)?Random(?:ized)?SearchCV|(?:Gaussian|Sparse)RandomProjection"
    r"|RBFSampler|Nystroem|RANSACRegressor|TheilSenRegressor|MinCovDet|EllipticEnvelope"
)
_STATEFUL_PATHS = re.compile(
    r"sklearn\.(?:utils\.(?:\w+\.)?(?:shuffle|resample)|datasets\.(?:\w+\.)?make_\w+)$"
    r"|scipy\.stats\.(?:bootstrap|permutation_test|monte_carlo_test)$"
    r"|scipy\.optimize\.(?:differential_evolution|dual_annealing|basinhopping)$"
)
_SHUFFLED_ON_DEMAND = re.compile(r"(?:Stratified|Group|StratifiedGroup)?KFold")
_STATEFUL_METHODS = frozenset({"sample", "rvs"})
_STATE_KEYWORDS = ("random_state", "seed", "rng")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A use that gives other values in another process.

    Attributes:
        name: What draws, as the reason names it.
        family: The global generator whose seed would make it the same; empty when none does.
        remedy: What to do about it; empty when nothing helps.
    """

    name: str
    family: str = ""
    remedy: str = ""

    @property
    def reason(self) -> str:
        """Why the cell is not shared, and what would change that."""
        what = f"draws random numbers without a seed ({self.name})"
        return (
            f"{what}: {self.remedy}, or the cell is run for each set"
            if self.remedy
            else f"draws random numbers ({self.name})"
        )


def draw_of(use: Use) -> Draw | None:
    """The draw that a use is; None when it is none or has a seed of its own."""
    for find in (_constant_draw, _generator_draw, _module_draw, _stateful_draw):
        draw = find(use)
        if draw is not None:
            return draw
    return None


def seeds_in(tree: ast.Module, origins: Origins) -> dict[str, tuple[int, int]]:
    """The global generators that code is sure to seed, each with the position from which on that holds.

    A call inside a function or a condition may never come; a seed that is computed by a call may come from the clock.
    """
    found = dict[str, tuple[int, int]]()
    for statement in tree.body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and _has_fixed_seed(call):
            for path in origins.paths(call.func) & _SEEDERS.keys():
                found.setdefault(_SEEDERS[path], (statement.lineno, statement.col_offset))
    return found


def possible_seeds(use: Use) -> frozenset[str]:
    """The global generators that a use may seed, in a function too; a `seed_everything` may seed all of them."""
    if use.path in _SEEDERS:
        return frozenset({_SEEDERS[use.path]})
    name = use.method or use.path.rpartition(".")[2] or getattr(use.call and use.call.func, "id", "")
    return _FAMILIES if use.call is not None and "seed" in name.lower() else frozenset()


def is_seeded(draw: Draw, use: Use, seeded: Mapping[str, tuple[int, int]]) -> bool:
    """Whether a seed was set before a draw."""
    return draw.family in seeded and seeded[draw.family] < use.position


def draws_in(tree: ast.AST, origins: Origins) -> Iterator[tuple[Use, Draw]]:
    """All draws in some code."""
    for use in uses_in(tree, origins):
        draw = draw_of(use)
        if draw is not None:
            yield use, draw


def _constant_draw(use: Use) -> Draw | None:
    if any(head in _ALWAYS for head in heads(use.path)):
        return Draw(name=use.path)
    if use.path in _SEEDERS and use.call is not None and not _is_given_seed(use.call):
        return Draw(name=f"{use.path}()", remedy="give it a seed")
    return None


def _generator_draw(use: Use) -> Draw | None:
    if use.path not in _GENERATORS or (use.call is None and use.path in _CLASSES):
        return None
    is_given = use.call is not None and _is_given_seed(use.call)
    return None if is_given else Draw(name=f"{use.path}()", remedy="give it a seed")


def _module_draw(use: Use) -> Draw | None:
    """Of the functions of `random`, `numpy.random` and `torch`, which share a generator."""
    path = use.path
    if path in _SEEDERS or path in _GENERATORS or any(head in _NOT_DRAWING for head in heads(path)):
        return None
    if path == PYTHON or path.startswith("random."):
        return Draw(name=path, family=PYTHON, remedy=_REMEDIES[PYTHON])
    if path == "numpy.random" or path.startswith("numpy.random."):
        return Draw(name=path, family=NUMPY, remedy=_REMEDIES[NUMPY])
    if _TORCH.match(path) or use.method in _TORCH_METHODS:
        return Draw(name=path or f".{use.method}", family=TORCH, remedy=_REMEDIES[TORCH])
    return None


def _stateful_draw(use: Use) -> Draw | None:
    name = use.path.rpartition(".")[2]
    if use.call is not None and has_keyword(use.call, *_STATE_KEYWORDS):
        return None
    if _SHUFFLED_ON_DEMAND.fullmatch(name):
        return Draw(name=name, family=NUMPY, remedy=_STATE) if _may_shuffle(use.call) else None
    if _STATEFUL.fullmatch(name) or _STATEFUL_PATHS.match(use.path):
        is_in_order = name == "train_test_split" and use.call is not None and not _may_shuffle(use.call)
        is_in_order = is_in_order and _keyword(use.call, "shuffle") is not None
        return None if is_in_order else Draw(name=name, family=NUMPY, remedy=_STATE)
    if use.method in _STATEFUL_METHODS and use.call is not None:
        return Draw(name=f".{use.method}", family=NUMPY, remedy=_STATE)
    return None


def _may_shuffle(call: ast.Call | None) -> bool:
    """Whether `shuffle` is given, and not as a plain False."""
    value = _keyword(call, "shuffle") or _keyword(call, None)
    return value is not None and not (isinstance(value, ast.Constant) and value.value is False)


def _keyword(call: ast.Call | None, name: str | None) -> ast.expr | None:
    keywords = call.keywords if call is not None else []
    return next((keyword.value for keyword in keywords if keyword.arg == name), None)


def _is_given_seed(call: ast.Call) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return bool(values) and not (isinstance(values[0], ast.Constant) and values[0].value is None)


def _has_fixed_seed(call: ast.Call) -> bool:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return _is_given_seed(call) and not any(isinstance(node, ast.Call) for value in values for node in ast.walk(value))
