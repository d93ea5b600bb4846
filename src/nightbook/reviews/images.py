"""Pictures against pictures, by pixel."""

from __future__ import annotations

import base64
import binascii
import warnings
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

MOST_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_RED = (214, 40, 40)
_WHITE = "white"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDiff:
    """Two pictures.

    Attributes:
        size_before: Width and height in pixels.
        size_after: As above.
        share: The pixels that differ, of those that either picture has; from 0 to 1.
        strongest: The largest difference of a colour's value, from 0 to 255.
        highlight: A PNG: the second picture, pale, with what differs in red; empty when nothing does.
    """

    size_before: tuple[int, int]
    size_after: tuple[int, int]
    share: float
    strongest: int
    highlight: bytes = b""

    @property
    def is_changed(self) -> bool:
        """At least one pixel, or the size."""
        return self.share > 0 or self.size_before != self.size_after

    def to_json(self) -> dict[str, object]:
        """Without the picture of what differs."""
        return {
            "type": "image",
            "size_before": list(self.size_before),
            "size_after": list(self.size_after),
            "changed_share": self.share,
            "strongest": self.strongest,
        }


def diff_images(before: str, after: str) -> ImageDiff | None:
    """Compare two pictures as a notebook holds them, in Base64, on white; None where one cannot be decoded safely."""
    old, new = _decoded(before), _decoded(after)
    if old is None or new is None:
        return None
    width, height = max(old.width, new.width), max(old.height, new.height)
    changed = _changed_pixels(_padded(old, width, height), _padded(new, width, height))
    # What only one of them has differs, whatever its colour.
    outside = ImageChops.difference(_extent(old, width, height), _extent(new, width, height))
    strongest = changed.getextrema()[1]
    mask = ImageChops.lighter(changed.point(lambda value: 255 if value else 0), outside)
    count = mask.histogram()[255]
    return ImageDiff(
        size_before=old.size,
        size_after=new.size,
        share=count / (width * height),
        strongest=int(strongest) if isinstance(strongest, int | float) else 0,
        highlight=_highlight(_padded(new, width, height), mask) if count else b"",
    )


def _decoded(encoded: str) -> Image.Image | None:
    try:
        with warnings.catch_warnings():
            # Pillow warns of what may be a decompression bomb; our own limit is lower.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(base64.b64decode(encoded)), formats=_FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            return None
        layer = picture.convert("RGBA")
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,  # Pillow's word for a damaged PNG
        UnidentifiedImageError,
        ValueError,
        binascii.Error,
    ):
        return None
    plate = Image.new("RGBA", layer.size, _WHITE)
    return Image.alpha_composite(plate, layer).convert("RGB")


def _padded(picture: Image.Image, width: int, height: int) -> Image.Image:
    if picture.size == (width, height):
        return picture
    plate = Image.new("RGB", (width, height), _WHITE)
    plate.paste(picture)
    return plate


def _extent(picture: Image.Image, width: int, height: int) -> Image.Image:
    plate = Image.new("L", (width, height), 0)
    plate.paste(255, (0, 0, picture.width, picture.height))
    return plate


def _changed_pixels(before: Image.Image, after: Image.Image) -> Image.Image:
    """Each pixel's largest difference of its three colours."""
    red, green, blue = ImageChops.difference(before, after).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _highlight(after: Image.Image, mask: Image.Image) -> bytes:
    pale = Image.blend(ImageOps.grayscale(after).convert("RGB"), Image.new("RGB", after.size, _WHITE), 0.7)
    pale.paste(_RED, (0, 0), mask)
    target = BytesIO()
    pale.save(target, format="PNG", compress_level=1)
    return target.getvalue()
