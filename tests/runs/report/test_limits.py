from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from nightbook.runs.report.limits import Detail, fitted_image


def picture(width: int) -> str:
    target = BytesIO()
    Image.effect_noise((width, width // 2), 80).save(target, format="PNG")
    return base64.b64encode(target.getvalue()).decode()


def test_a_picture_is_untouched_while_the_page_is_small_enough() -> None:
    encoded = picture(1200)
    assert fitted_image("image/png", encoded, Detail.FULL) == ("image/png", encoded)


def test_a_picture_shrinks_when_the_page_has_to() -> None:
    kind, encoded = fitted_image("image/png", picture(1200), Detail.REDUCED)
    assert kind == "image/webp"
    assert Image.open(BytesIO(base64.b64decode(encoded))).width == 900


def test_what_is_no_picture_stays_as_it_is() -> None:
    assert fitted_image("image/png", "AAAA", Detail.SMALLEST) == ("image/png", "AAAA")
    assert fitted_image("image/png", "not base64", Detail.SMALLEST) == ("image/png", "not base64")


def test_each_step_keeps_less_than_the_one_before() -> None:
    rows = [detail.most_rows for detail in Detail]
    sizes = [detail.most_output_bytes for detail in Detail]
    assert rows == sorted(rows, reverse=True)
    assert sizes == sorted(sizes, reverse=True)
