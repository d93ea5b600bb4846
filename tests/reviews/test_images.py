from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from nightbook.reviews import images
from nightbook.reviews.images import diff_images


def encoded(picture: Image.Image, kind: str = "PNG", **options: int) -> str:
    target = BytesIO()
    picture.save(target, format=kind, **options)
    return base64.b64encode(target.getvalue()).decode()


def plain(colour: str = "white", size: tuple[int, int] = (10, 10)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_the_pixels_that_differ_are_counted_and_shown_in_red() -> None:
    changed = plain()
    changed.putpixel((3, 4), (255, 255, 200))
    diff = diff_images(encoded(plain()), encoded(changed))
    assert diff
    assert (diff.share, diff.strongest, diff.is_changed) == (0.01, 55, True)
    with Image.open(BytesIO(diff.highlight)) as shown:
        assert shown.getpixel((3, 4)) == (214, 40, 40)
        assert shown.getpixel((0, 0)) == (255, 255, 255)
    assert diff.to_json() == {
        "type": "image", "size_before": [10, 10], "size_after": [10, 10], "changed_share": 0.01, "strongest": 55,
    }  # fmt: skip


def test_the_same_pixels_in_other_bytes_are_the_same() -> None:
    before, after = encoded(plain("red"), compress_level=0), encoded(plain("red"), compress_level=9)
    assert before != after
    diff = diff_images(before, after)
    assert diff
    assert (diff.is_changed, diff.highlight) == (False, b"")


def test_what_is_transparent_is_as_white_as_the_page() -> None:
    clear = Image.new("RGBA", (10, 10), (9, 9, 9, 0))
    diff = diff_images(encoded(clear), encoded(plain()))
    assert diff
    assert not diff.is_changed


def test_pictures_of_two_sizes_are_laid_on_each_other() -> None:
    diff = diff_images(encoded(plain(size=(10, 10))), encoded(plain(size=(10, 20))))
    assert diff
    assert (diff.size_before, diff.size_after, diff.share) == ((10, 10), (10, 20), 0.5)
    back = diff_images(encoded(plain(size=(10, 20))), encoded(plain(size=(10, 10))))
    assert back
    assert back.share == diff.share


@pytest.mark.parametrize("damaged", ["", "no base64!", base64.b64encode(b"no picture").decode()])
def test_what_is_no_picture_is_not_compared(damaged: str) -> None:
    assert diff_images(damaged, encoded(plain())) is None


def test_a_cut_picture_is_not_compared() -> None:
    whole = encoded(Image.effect_noise((100, 100), 50))
    assert diff_images(whole[: len(whole) // 8 * 4], whole) is None


def test_a_picture_of_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_PIXELS", 99)
    assert diff_images(encoded(plain()), encoded(plain("red"))) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert diff_images(encoded(plain()), encoded(plain("red"))) is None
