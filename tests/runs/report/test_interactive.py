from __future__ import annotations

import json
import re
from typing import Any

import pytest

from nightbook.runs.report import interactive
from nightbook.runs.report.interactive import Charts, is_loader

PLOTLY = "application/vnd.plotly.v1+json"
VEGA_SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.4.1.json",
    "data": {"values": [{"a": 1, "b": 2}]},
    "mark": "bar",
    "title": "Delays",
    "encoding": {"x": {"field": "a", "type": "ordinal"}, "y": {"field": "b", "type": "quantitative"}},
}


def outputs_of(notebook: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    cell = next(cell for cell in notebook["cells"] if mark in "".join(cell["source"]))
    return [output["data"] for output in cell["outputs"] if "data" in output]


def joined(bundle: dict[str, Any]) -> dict[str, Any]:
    return {kind: "".join(value) if isinstance(value, list) else value for kind, value in bundle.items()}


def test_plotly_travels_as_data_and_asks_for_its_library(rich_notebook: dict[str, Any]) -> None:
    charts = Charts()
    html = charts.render(outputs_of(rich_notebook, "px.scatter")[0])
    assert html is not None
    assert charts.libraries == ["plotly"]
    spec = json.loads(re.findall(r'json">(.*)</script>', html)[0])
    assert [trace["type"] for trace in spec["data"]] == ["scatter"]


def test_a_script_cannot_be_closed_by_a_title() -> None:
    html = Charts().render({PLOTLY: {"data": [], "layout": {"title": "</script><script>alert(1)</script>"}}})
    assert html is not None
    assert html.count("</script>") == 1


def test_a_map_is_left_out_with_a_notice() -> None:
    html = Charts().render({PLOTLY: {"data": [{"type": "choropleth"}], "layout": {}}})
    assert html is not None
    assert "a map (choropleth)" in html
    assert "data-chart" not in html


def test_a_chart_that_compiles_code_is_left_out_unless_it_comes_with_a_picture() -> None:
    bundle = {PLOTLY: {"data": [{"type": "parcoords"}], "layout": {}}}
    charts = Charts()
    html = charts.render(bundle)
    assert html is not None
    assert "a chart (parcoords)" in html
    assert charts.render({**bundle, "image/png": "AAAA"}) is None
    assert charts.libraries == []


def test_a_heat_map_is_no_map() -> None:
    html = Charts().render({PLOTLY: {"data": [{"type": "heatmap", "z": [[1]]}], "layout": {}}})
    assert html is not None
    assert "data-chart" in html


def test_a_remote_picture_in_a_chart_is_left_out_with_its_host() -> None:
    layout = {"images": [{"source": "https://example.org/logo.png"}]}
    html = Charts().render({PLOTLY: {"data": [], "layout": layout}})
    assert html is not None
    assert "an image from example.org" in html
    assert "logo.png" not in html


@pytest.mark.parametrize(
    "kind", ["application/vnd.vegalite.v6+json", "application/vnd.vegalite.v6.json", "application/vnd.vegalite.v5+json"]
)
def test_altair_is_drawn_as_a_picture_that_needs_no_script(kind: str) -> None:
    charts = Charts()
    html = charts.render({kind: VEGA_SPEC})
    assert html is not None
    assert html.startswith('<img class="plate" alt="Delays" src="data:image/svg+xml;base64,')
    assert charts.libraries == []


def test_altairs_default_renderer_is_read_from_its_html(rich_notebook: dict[str, Any]) -> None:
    html = Charts().render(joined(outputs_of(rich_notebook, "alt.Chart")[0]))
    assert html is not None
    assert 'alt="Bars"' in html


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/x.csv", "example.org"),
        ("file:///etc/passwd", "this machine"),
        ("data/x.csv", "this machine"),
    ],
)
def test_a_chart_whose_data_are_elsewhere_is_left_out_with_the_host(url: str, host: str) -> None:
    html = Charts().render({"application/vnd.vegalite.v6+json": {**VEGA_SPEC, "data": {"url": url}}})
    assert html is not None
    assert f"a chart whose data come from {host}" in html


def test_a_specification_that_vega_refuses_falls_back_to_text() -> None:
    assert Charts().render({"application/vnd.vegalite.v6+json": {"mark": "nonsense"}}) is None


def test_bokeh_loads_only_the_components_it_needs(rich_notebook: dict[str, Any]) -> None:
    plain, table = Charts(), Charts()
    for bundle in outputs_of(rich_notebook, "plot = figure"):
        plain.render(joined(bundle))
    for bundle in outputs_of(rich_notebook, "DataTable"):
        table.render(joined(bundle))
    assert plain.libraries == ["bokeh"]
    assert table.libraries[0] == "bokeh"
    assert "bokeh-tables" in table.libraries


def test_what_only_loads_a_library_is_known(rich_notebook: dict[str, Any]) -> None:
    assert all(is_loader(joined(bundle)) for bundle in outputs_of(rich_notebook, "output_notebook"))
    assert not is_loader({"text/html": "<p>hello</p>"})


def test_without_its_library_a_chart_falls_back_to_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactive, "library_file", lambda _: None)
    monkeypatch.setattr(interactive, "find_spec", lambda _: None)
    assert Charts().render({PLOTLY: {"data": [], "layout": {}}}) is None
    assert Charts().render({"application/vnd.vegalite.v6+json": VEGA_SPEC}) is None


def test_a_plain_bundle_is_no_chart() -> None:
    assert Charts().render({"text/html": json.dumps(VEGA_SPEC), "text/plain": "x"}) is None
