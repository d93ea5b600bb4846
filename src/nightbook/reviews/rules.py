"""What counts as a difference when two runs are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nightbook.errors import NightbookError

MOST_COMPARED_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRules:
    """The same for every output of a notebook.

    Attributes:
        tolerance: Two numbers count as equal when they differ by no more than this share of the larger; 0 is exact.
        shows_noise: Addresses, timestamps, durations and their like count as changes.
        is_thorough: Outputs of more than 5 MB are compared too.

    Raises:
        NightbookError: The tolerance is negative, or no number below 1.
    """

    tolerance: float = 0.0
    shows_noise: bool = False
    is_thorough: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and 0 <= self.tolerance < 1):
            raise NightbookError(
                f"a tolerance of {self.tolerance} is not possible: it is a share, from 0 to below 1",
                remedy="--tolerance 0.01 takes numbers as equal that differ by 1 %",
            )

    def is_too_large(self, size_bytes: int) -> bool:
        """Comparing it would keep a person waiting who did not ask for it."""
        return size_bytes > MOST_COMPARED_BYTES and not self.is_thorough


USUAL = DiffRules()
EXACT = DiffRules(shows_noise=True)
"""For source, in which nothing is noise."""
