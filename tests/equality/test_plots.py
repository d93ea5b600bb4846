"""Figures of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "figures": [
        """\
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])""",
        "figure, axes = plt.subplots(); axes.plot([3, 2, 1]); axes.set_title('title')",
        "plt.figure(); plt.plot([1]); plt.figure(); plt.plot([2]); print('two figures')",
        "plt.plot([1, 2]); plt.show(); print('between'); plt.plot([2, 1]); plt.show()",
        "figure",
        "plt.plot([1]); plt.close()",
        "figure, axes = plt.subplots(1, 2, figsize=(4, 2)); plt.close(figure); figure",
        "plt.gcf().number, plt.get_fignums(), plt.get_backend(), plt.isinteractive()",
    ],
    "formats": [
        """\
%matplotlib inline
import matplotlib
import matplotlib.pyplot as plt
matplotlib.rcParams['svg.hashsalt'] = 'fixed'
plt.bar([1, 2], [2, 1]);""",
        """\
%config InlineBackend.figure_formats = ['png', 'pdf']
matplotlib.rcParams['figure.dpi'], matplotlib.rcParams['figure.facecolor'], matplotlib.rcParams['savefig.bbox']""",
        """\
%config InlineBackend.figure_format = 'retina'
plt.figure(figsize=(2, 1)); plt.plot([1, 2]);""",
        """\
%config InlineBackend.print_figure_kwargs = {'bbox_inches': None}
plt.figure(figsize=(2, 1)); plt.plot([1, 2]);""",
        "%config InlineBackend",
        """\
%config InlineBackend.close_figures = False
plt.figure(figsize=(1, 1)); plt.plot([1])""",
        "plt.get_fignums()",
    ],
    "backends": [
        """\
import matplotlib
matplotlib.get_backend()""",
        """\
matplotlib.use('agg')
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig('figure.png')""",
        """\
import os
os.path.getsize('figure.png') > 1000, os.environ.get('MPLBACKEND')""",
        "%matplotlib --list",
        """\
%matplotlib inline
plt.figure(figsize=(1, 1)); plt.plot([1]);""",
        "plt.switch_backend('agg'); plt.plot([1, 2])",
        "len(matplotlib.rcParams), matplotlib.rcParams['backend']",
        "sorted(get_ipython().events.callbacks['post_execute'].__len__() for _ in range(1))",
    ],
    "figure-before-an-error": [
        """\
import matplotlib.pyplot as plt
print('before'); plt.figure(figsize=(1, 1)); plt.plot([1, 2]); print('after')""",
        """\
# tags: raises-exception
plt.figure(figsize=(1, 1)); plt.plot([1]); 1 / 0""",
        "plt.figure(figsize=(1, 1)); plt.plot([1]); raise SystemError('last')",
    ],
    "drawing-of-pandas-and-pylab": [
        "%pylab inline",
        "plot(arange(3))",
        """\
import pandas as pd
pd.Series([1, 3, 2]).plot(figsize=(2, 1))""",
        "pd.DataFrame({'a': [1, 2], 'b': [2, 1]}).plot.bar(subplots=True, figsize=(2, 2))",
    ],
    "style-set-before": [
        """\
import matplotlib as mpl
mpl.rcParams['figure.figsize'] = (2, 1)
import matplotlib.pyplot as plt
plt.plot([1, 2]);""",
        "plt.style.use('ggplot'); plt.plot([1, 2]);",
        "with plt.rc_context({'axes.grid': True}): plt.plot([1, 2]);",
        "plt.ioff(); plt.plot([1, 2]);",
        "plt.ion(); plt.plot([1, 2]);",
        """\
import numpy as np
plt.imshow(np.arange(6).reshape(2, 3), cmap='gray');""",
    ],
    "other-libraries": [
        """\
import altair as alt, pandas as pd
alt.Chart(pd.DataFrame({'x': [1, 2], 'y': [2, 1]})).mark_line().encode(x='x', y='y')""",
        """\
import plotly.graph_objects as go
figure = go.Figure(go.Scatter(y=[1, 2])); figure.to_dict()['data']""",
        "import plotly.io; plotly.io.renderers.default",
        "import tqdm.auto; tqdm.auto.tqdm.__module__",
        "import bokeh; bokeh.__version__",
        """\
from PIL import Image
Image.new('RGB', (4, 4), 'red')""",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
