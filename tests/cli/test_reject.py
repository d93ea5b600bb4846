from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("trusted_key", "published_later")


def test_it_is_signed_with_the_users_key(nightbook: Callable[..., Any]) -> None:
    said = nightbook("reject", "fit@latest", "-m", "as agreed")
    assert said.code == 0
    assert said.out.startswith("fit #6 rejected")
    assert "Mara, signed" in said.out
    (review,) = nightbook("approvals", "list", "--json").document["reviews"]
    assert [(one["verdict"], one["text"]) for one in review["entries"]] == [("rejected", "as agreed")]


def test_a_reason_is_needed(nightbook: Callable[..., Any]) -> None:
    assert nightbook("reject", "6").code == 2
    assert nightbook("reject", "6", "-m", " ").code == 3
