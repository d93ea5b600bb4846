"""JavaScript libraries inside the page: one compressed copy each, taken from the installed wheel.

A library that is not installed beside Nightbook is not fetched: the output then shows its text and a notice.
"""

from __future__ import annotations

import base64
import gzip
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = {
    "plotly": ("plotly", "package_data/plotly.min.js"),
    "bokeh": ("bokeh", "server/static/js/bokeh.min.js"),
    "bokeh-widgets": ("bokeh", "server/static/js/bokeh-widgets.min.js"),
    "bokeh-tables": ("bokeh", "server/static/js/bokeh-tables.min.js"),
}
_MODEL_NAME = re.compile(r'__name__="(\w+)"')


@cache
def library_file(name: str) -> Path | None:
    """The library's file in its wheel; None when the package is not installed or ships none."""
    package, inside = _PARTS[name]
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    return None


def embed_libraries(names: Iterable[str]) -> Markup:
    """One data block for each library, for the page's script to inflate."""
    blocks = Markup('<script type="text/plain" class="nb-lib" data-lib="{}">{}</script>')
    return Markup().join(blocks.format(name, _compressed(name)) for name in names)


@cache
def bokeh_models(component: str) -> frozenset[str]:
    """The models that only this component of BokehJS knows."""
    path = library_file(component)
    return frozenset(_MODEL_NAME.findall(path.read_text(encoding="utf-8"))) if path else frozenset()


@cache
def _compressed(name: str) -> str:
    path = library_file(name)
    source = path.read_bytes() if path else b""
    return base64.b64encode(gzip.compress(source, compresslevel=9, mtime=0)).decode("ascii")
