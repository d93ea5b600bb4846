"""Plotly, Altair and Bokeh outputs: as a drawing where that is enough, else with their library inside the page."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from markupsafe import Markup

from nightbook.runs.report.libraries import bokeh_models, library_file
from nightbook.runs.report.markup import removal_notice
from nightbook.runs.report.stylesheets import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

_VEGA = re.compile(r"^application/vnd\.(?P<language>vega|vegalite)\.v(?P<major>\d+)[.+]json$")
_PLOTLY = "application/vnd.plotly.v1+json"
_BOKEH = "application/vnd.bokehjs_exec.v0+json"
_ALTAIR_HTML = re.compile(r"\}\)\((?=\{)")
_BOKEH_DOCS = re.compile(r"(?:const|var) docs_json = ")
_BOKEH_ITEMS = re.compile(r"(?:const|var) render_items = ")
_TILED = frozenset(
    {"choropleth", "choroplethmap", "choroplethmapbox", "densitymap", "densitymapbox", "scattergeo", "scattermap"}
    | {"scattermapbox"}
)
_COMPILED = frozenset({"parcoords", "splom"})
_ADDRESS_KEYS = frozenset({"url", "source", "src"})
_OPTIONAL_BOKEH = ("bokeh-widgets", "bokeh-tables")
_LONGEST_MOUNT_POINT = 400


@dataclass(slots=True, kw_only=True)
class Charts:
    """The interactive charts of one page, and the libraries they need."""

    libraries: list[str] = field(default_factory=list)

    def render(self, bundle: Mapping[str, object]) -> Markup | None:
        """The chart of a MIME bundle; None when the bundle holds none or nothing here can draw it."""
        if _PLOTLY in bundle:
            return self._plotly(bundle[_PLOTLY], has_picture="image/png" in bundle or "image/svg+xml" in bundle)
        vega = next((found for found in map(_VEGA.match, bundle) if found), None)
        if vega is not None:
            return _vega(bundle[vega.string], vega["language"], vega["major"])
        html = bundle.get("text/html")
        if isinstance(html, str) and 'id="altair-viz-' in html:
            return _altair_html(html)
        script = bundle.get("application/javascript")
        if _BOKEH in bundle and isinstance(script, str):
            return self._bokeh(script)
        return None

    def need(self, name: str) -> bool:
        """Ask for a library; False when it is not installed."""
        if library_file(name) is None:
            return False
        if name not in self.libraries:
            self.libraries.append(name)
        return True

    def _plotly(self, figure: object, *, has_picture: bool) -> Markup | None:
        if not isinstance(figure, dict) or library_file("plotly") is None:
            return None
        traces = [dict(trace) for trace in figure.get("data", ()) if isinstance(trace, dict)]
        kinds = {str(trace.get("type", "scatter")) for trace in traces}
        if kinds & (_TILED | _COMPILED):
            return None if has_picture else removal_notice(_undrawable(kinds))
        self.need("plotly")
        for trace in traces:
            # WebGL variants compile shaders with `eval`, which the page forbids; the plain ones look the same
            trace["type"] = str(trace.get("type", "scatter")).removesuffix("gl")
        layout = dict(figure.get("layout") or {})
        removed = [f"an image from {host}" for host in _hosts(layout.get("images", ()))]
        if removed:
            layout["images"] = []
        height = layout.get("height")
        spec = {"data": traces, "layout": layout, "frames": figure.get("frames") or []}
        tall = int(height) if isinstance(height, int | float) else 450
        return _placeholder("plotly", spec, tall) + removal_notice(removed)

    def _bokeh(self, script: str) -> Markup | None:
        documents, items = _json_after(_BOKEH_DOCS, script), _json_after(_BOKEH_ITEMS, script)
        if not (isinstance(documents, dict) and isinstance(items, list) and self.need("bokeh")):
            return None
        hosts = tuple(_hosts(documents))
        if hosts:
            return removal_notice([f"a chart that loads from {host}" for host in hosts])
        used = frozenset(_names(documents))
        for component in _OPTIONAL_BOKEH:
            if used & bokeh_models(component):
                self.need(component)
        return _placeholder("bokeh", {"docs": documents, "items": items}, _bokeh_height(documents))


def is_loader(bundle: Mapping[str, object]) -> bool:
    """True for what `output_notebook()` and the like send only to load a library."""
    if "application/vnd.bokehjs_load.v0+json" in bundle:
        return True
    html = bundle.get("text/html")
    if not isinstance(html, str):
        return False
    is_mount_point = "data-root-id=" in html and len(html) < _LONGEST_MOUNT_POINT
    is_plotly = "window.PlotlyConfig" in html and "Plotly.newPlot" not in html
    return "bk-notebook-logo" in html or is_mount_point or is_plotly


def _undrawable(kinds: AbstractSet[str]) -> list[str]:
    maps = [f"a map ({kind}), whose tiles and outlines come from the network" for kind in sorted(kinds & _TILED)]
    return maps + [f"a chart ({kind}), which compiles code while it draws" for kind in sorted(kinds & _COMPILED)]


def _vega(spec: object, language: str, major: str) -> Markup | None:
    if not isinstance(spec, dict) or find_spec("vl_convert") is None:
        return None
    hosts = tuple(_hosts(spec))
    if hosts:
        return removal_notice([f"a chart whose data come from {host}" for host in hosts])
    try:
        svg = _drawn(json.dumps(spec), language, major)
    except ValueError:
        return None
    title = spec.get("title")
    text = title.get("text") if isinstance(title, dict) else title
    alternative = spec.get("description") or text or "Chart"
    encoded = base64.b64encode(svg.encode()).decode("ascii")
    return Markup('<img class="plate" alt="{}" src="data:image/svg+xml;base64,{}">').format(str(alternative), encoded)


def _drawn(spec: str, language: str, major: str) -> str:
    converter = import_module("vl_convert")
    if language == "vega":
        return str(converter.vega_to_svg(spec, allowed_base_urls=[]))
    fitting = [version for version in converter.get_vegalite_versions() if version.split(".")[0] == major]
    return str(converter.vegalite_to_svg(spec, vl_version=fitting[-1] if fitting else None, allowed_base_urls=[]))


def _altair_html(html: str) -> Markup | None:
    """Altair's default renderer sends a page that loads its libraries; the chart itself is the JSON in its call."""
    for found in _ALTAIR_HTML.finditer(html):
        spec = _decoded(html, found.end())
        if isinstance(spec, dict) and "$schema" in spec:
            version = re.search(r"/(vega|vega-lite)/v(\d+)", str(spec["$schema"]))
            language, major = (version[1], version[2]) if version else ("vega-lite", "")
            return _vega(spec, language.replace("-", ""), major)
    return None


def _json_after(mark: re.Pattern[str], text: str) -> object:
    found = mark.search(text)
    return _decoded(text, found.end()) if found else None


def _decoded(text: str, start: int) -> object:
    try:
        value: object = json.JSONDecoder().raw_decode(text, start)[0]
    except json.JSONDecodeError:
        return None
    return value


def _walk(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _walk(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _walk(inner)


def _hosts(value: object) -> Iterator[str]:
    """Hosts that a specification would load from; a local file counts, since a page may not read one."""
    for key, inner in _walk(value):
        if key in _ADDRESS_KEYS and isinstance(inner, str) and inner and ("/" in inner or "." in inner):
            host = host_of(inner)
            if host:
                yield host


def _names(value: object) -> Iterator[str]:
    return (str(inner) for key, inner in _walk(value) if key == "name" and isinstance(inner, str))


def _bokeh_height(documents: Mapping[str, object]) -> int:
    heights = [inner for key, inner in _walk(documents) if key == "height" and isinstance(inner, int)]
    return max(heights, default=400)


def _placeholder(library: str, spec: object, height: int) -> Markup:
    """What the page's script replaces with the chart; without scripts it says what is missing."""
    text = json.dumps(spec, separators=(",", ":")).replace("<", "\\u003c")
    return Markup(
        '<div class="plate chart-js" data-chart="{}" style="min-height:{}px"><p class="notice">This {} chart is drawn '
        'by a script, which this viewer does not run.</p><script type="application/json">{}</script></div>'
    ).format(library, height, library.capitalize(), Markup(text))  # noqa: S704 - JSON without a `<`
