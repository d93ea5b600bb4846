from __future__ import annotations

import base64
from io import BytesIO

from fontTools.ttLib import TTFont

from nightbook.runs.report.math_font import subset_font


def test_only_the_characters_asked_for_are_in_it() -> None:
    font = TTFont(BytesIO(base64.b64decode(subset_font(frozenset({0x2211, 0x3B1})))))
    assert {0x2211, 0x3B1} <= font.getBestCmap().keys()
    assert 0x3B2 not in font.getBestCmap()
    assert "MATH" in font
