"""The font of formulas, cut down to what a page shows."""

from __future__ import annotations

import base64
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont


@cache
def subset_font(characters: frozenset[int]) -> str:
    """The font with these characters only, as WOFF in Base64."""
    font = TTFont(BytesIO(_font_file().read_bytes()), lazy=True)
    features = ["ssty", "dtls", "flac"]
    options = subset.Options(hinting=False, desubroutinize=True, notdef_outline=True, layout_features=features)
    worker = subset.Subsetter(options)
    worker.populate(unicodes=sorted(characters))
    worker.subset(font)
    font.flavor = "woff"
    target = BytesIO()
    font.save(target)
    return base64.b64encode(target.getvalue()).decode("ascii")


def _font_file() -> Path:
    """STIX Two Math, which the wheel of ziamath carries; importing ziamath would only cost time."""
    spec = find_spec("ziamath")
    folder = (spec.submodule_search_locations or [""])[0] if spec else ""
    return Path(folder, "fonts", "STIXTwoMath-Regular.ttf")
