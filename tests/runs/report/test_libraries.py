from __future__ import annotations

import base64
import gzip
import re

from nightbook.runs.report.libraries import bokeh_models, embed_libraries, library_file


def test_a_library_travels_compressed_and_comes_back_whole() -> None:
    block = str(embed_libraries(["bokeh"]))
    packed = re.search(r'data-lib="bokeh">([^<]+)</script>', block)
    path = library_file("bokeh")
    assert packed is not None
    assert path is not None
    assert gzip.decompress(base64.b64decode(packed[1])) == path.read_bytes()
    assert len(block) < path.stat().st_size / 2


def test_a_page_without_charts_carries_no_library() -> None:
    assert embed_libraries([]) == ""


def test_components_know_their_models() -> None:
    assert "DataTable" in bokeh_models("bokeh-tables")
    assert "Slider" in bokeh_models("bokeh-widgets")
    assert "Figure" not in bokeh_models("bokeh-tables")
