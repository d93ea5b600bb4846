from __future__ import annotations

import pytest

from nightbook.errors import NightbookError
from nightbook.reviews.rules import MOST_COMPARED_BYTES, DiffRules


@pytest.mark.parametrize("tolerance", [-0.1, 1, 5, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_share_is_refused(tolerance: float) -> None:
    with pytest.raises(NightbookError, match="from 0 to below 1"):
        DiffRules(tolerance=tolerance)


def test_what_is_too_large_is_compared_when_asked() -> None:
    assert not DiffRules().is_too_large(MOST_COMPARED_BYTES)
    assert DiffRules().is_too_large(MOST_COMPARED_BYTES + 1)
    assert not DiffRules(is_thorough=True).is_too_large(MOST_COMPARED_BYTES + 1)
