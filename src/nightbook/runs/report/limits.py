"""How large a page may get, and what gives way when it would be larger."""

from __future__ import annotations

import base64
import binascii
from enum import Enum
from io import BytesIO

from PIL import Image, UnidentifiedImageError

WARNING_BYTES = 10_000_000
CAP_BYTES = 25_000_000


class Detail(Enum):
    """Steps in which a page gives way: rows kept, widest picture in pixels, largest output in bytes."""

    FULL = (200, 0, 20_000_000)
    REDUCED = (50, 900, 2_000_000)
    SMALLEST = (20, 480, 60_000)

    @property
    def most_rows(self) -> int:
        """Rows kept of a table."""
        return self.value[0]

    @property
    def widest_picture(self) -> int:
        """Pictures wider than this are made smaller; 0 keeps them."""
        return self.value[1]

    @property
    def most_output_bytes(self) -> int:
        """An output larger than this is replaced by a notice."""
        return self.value[2]


def fitted_image(kind: str, encoded: str, detail: Detail) -> tuple[str, str]:
    """The picture as it is, or smaller as WebP where the page has to shrink; what is no picture stays."""
    if not detail.widest_picture:
        return kind, encoded
    try:
        picture = Image.open(BytesIO(base64.b64decode(encoded)))
        picture.thumbnail((detail.widest_picture, detail.widest_picture * 2))
        target = BytesIO()
        picture.save(target, format="WEBP", quality=70)
    except (UnidentifiedImageError, binascii.Error, OSError):
        return kind, encoded
    smaller = base64.b64encode(target.getvalue()).decode("ascii")
    return ("image/webp", smaller) if len(smaller) < len(encoded) else (kind, encoded)
