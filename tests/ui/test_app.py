from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ui.conftest import Desk


@pytest.mark.parametrize("path", ["/runs/999", "/runs/latest@", "/nothing", "/runs/%2e%2e"])
def test_what_is_not_there_is_said(desk: Desk, path: str) -> None:
    desk.login()
    answer = desk.client.get(path)
    assert answer.status_code == 404
    assert "That did not work" in answer.text


def test_pages_tell_the_browser_to_load_nothing_from_elsewhere(desk: Desk) -> None:
    desk.login()
    for path in ("/", "/runs", "/runs/3", "/nothing"):
        headers = desk.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
