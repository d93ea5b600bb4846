"""One look for the charts of all stages: readable on a phone, in greyscale and without telling red from green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE = "#0b5cad"
ORANGE = "#b85c00"
GREY = "#8a93a0"
LIGHT = "#c3cad3"

MONTHS = ("", "January", "February", "March", "April", "May", "June")
MONTHS += ("July", "August", "September", "October", "November", "December")

_STYLE = {
    "figure.dpi": 140,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e7ec",
    "legend.frameon": False,
}


def chart(title: str, *, x: str = "", y: str = "", height: float = 3.6) -> Axes:
    """Axes on a figure 6.4 inches wide, which scales down to a phone with its text still legible.

    Args:
        title: The message of the chart, as a sentence.
        x: Label of the horizontal axis, with its unit.
        y: Label of the vertical axis, with its unit.
        height: In inches.
    """
    # Not rc_context: it would also take back that the inline backend is interactive, and later figures would not show.
    plt.rcParams.update(_STYLE)
    figure, axes = plt.subplots(figsize=(6.4, height), layout="constrained")
    # The title starts at the figure's edge, so that long category labels do not push it off to the right.
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    axes.set(xlabel=x, ylabel=y)
    return axes
