"""Plugins by group and name; those that come with Nightbook have no privileges over a third party's."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from nightbook.errors import SettingsError, nearest

# What our own need beyond a plain installation.
EXTRAS = {"nightbook.executors:dask": "dask"}


def load_plugin(group: str, name: str) -> Any:  # noqa: ANN401 - each group has an interface of its own
    """What an entry point names.

    Args:
        group: Such as `nightbook.executors`.
        name: The plugin's, as the settings say it.

    Raises:
        SettingsError: There is none of that name, or what it needs is not installed.
    """
    found = entry_points(group=group)
    if name not in found.names:
        kind = group.rpartition(".")[2].replace("_", " ").removesuffix("s")
        raise SettingsError(f"there is no {kind} '{name}'", remedy=nearest(name, found.names))
    try:
        return found[name].load()
    except ImportError as error:
        extra = EXTRAS.get(f"{group}:{name}")
        remedy = f"pip install 'nightbook[{extra}]'" if extra else f"install what the plugin '{name}' needs"
        raise SettingsError(f"'{name}' cannot be loaded: {error}", remedy=remedy) from error
