"""Tables, numbers and models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "pandas": [
        """\
import pandas as pd, numpy as np
frame = pd.DataFrame({'a': [1, 2, 3], 'b': list('xyz'), 'c': pd.date_range('2020', periods=3)}); frame""",
        "frame.describe(include='all')",
        "frame.a",
        "frame.info()",
        "frame.groupby('b').a.sum().to_frame().T",
        "pd.set_option('display.max_rows', 4); pd.DataFrame({'n': range(100)})",
        "with pd.option_context('display.precision', 1): display(pd.DataFrame({'x': [1.23456]}))",
        "pd.set_option('display.notebook_repr_html', False); frame",
        """\
pd.reset_option('all', silent=True)
frame.style.set_uuid('fixed').highlight_max(subset=['a'])""",
        "frame.to_csv('frame.csv'); pd.read_csv('frame.csv')",
        "pd.Categorical(['a', 'b', 'a'])",
        "pd.DataFrame(columns=['empty'])",
    ],
    "pandas-big": [
        """\
import pandas as pd, numpy as np
pd.DataFrame(np.arange(200_000).reshape(20_000, 10))""",
        "pd.set_option('display.max_rows', None); pd.DataFrame({'n': range(5_000)})",
        "pd.DataFrame({f'column {n}': [n] for n in range(50)})",
        """\
# tags: raises-exception
pd.DataFrame({'a': [1]}).b""",
        "pd.DataFrame({'a': [1]})['b']",
    ],
    "numpy": [
        """\
import numpy as np
np.random.default_rng(0).normal(size=3)""",
        "np.random.seed(1); np.random.rand(2, 2)",
        "np.set_printoptions(precision=2); np.array([1.23456, 2])",
        "np.arange(10_000)",
        "np.linalg.solve([[2., 1.], [1., 3.]], [1., 2.]), np.linalg.eigvalsh(np.eye(3))",
        "np.geterr(), np.get_printoptions()",
        """\
import random
random.seed(2); random.random(), random.choice('abc')""",
        "np.random.seed(0); np.linalg.norm(np.random.rand(300, 300) @ np.random.rand(300, 300))",
        """\
# tags: raises-exception
np.zeros(2) + np.zeros(3)""",
    ],
    "scikit-learn": [
        """\
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
x, y = load_iris(return_X_y=True)
Ridge(alpha=2)""",
        "model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)); model",
        "model.fit(x, y)",
        "model.score(x, y), model[-1].coef_",
        "LogisticRegression(max_iter=1).fit(x, y).n_iter_",
        """\
from sklearn.ensemble import RandomForestClassifier
RandomForestClassifier(20, random_state=0, n_jobs=2).fit(x, y).feature_importances_""",
        """\
from sklearn.model_selection import cross_val_score, train_test_split
cross_val_score(model, x, y, cv=3, n_jobs=2)""",
        """\
from sklearn.ensemble import HistGradientBoostingClassifier
HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(x, y).predict_proba(x[:2])""",
        """\
from sklearn.cluster import KMeans
KMeans(3, n_init=1, random_state=0).fit(x).inertia_.round(6)""",
        "import warnings; sorted(map(str, warnings.filters))",
        """\
import threadpoolctl
sorted((one['internal_api'], one['num_threads'], one['user_api']) for one in threadpoolctl.threadpool_info())""",
        """\
import joblib
joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-n) for n in range(4))""",
    ],
    "logged": [
        """\
import nightbook
nightbook.log_metric('error', 0.25, better='lower')""",
        "nightbook.log_metrics({'a': 1, 'b': 2.5}); nightbook.log_param('kind', 'small')",
        """\
import pandas as pd
nightbook.log_table('rows', pd.DataFrame({'x': [1, 2]}))""",
        "open('note.txt', 'w').write('a note'); nightbook.log_artifact('note.txt')",
        "nightbook.exit_early('enough')",
        "print('not reached')",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
