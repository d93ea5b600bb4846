from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from nightbook.errors import TrustError
from nightbook.reviews.trust import TrustedKey, load_trust
from nightbook.workflow.trusting import revoke, trust

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_what_is_trusted_can_be_taken_back(project: Any) -> None:
    assert load_trust(project.root).people(datetime.now(UTC)) == {"Mara", "דנה"}
    assert revoke(project.settings, "דנה", "left", NOW).reason == "left"
    assert load_trust(project.root).people(datetime.now(UTC)) == {"Mara"}


def test_a_role_and_a_reason_are_needed(project: Any) -> None:
    with pytest.raises(TrustError, match="a revocation needs its reason"):
        revoke(project.settings, "Mara", " ", NOW)
    with pytest.raises(TrustError, match="Mara needs a role"):
        trust(project.settings, TrustedKey(public=project.mara.public, roles=(), start=NOW))
