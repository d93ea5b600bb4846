"""The app over a finished project, as somebody who is logged in uses it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from nightbook.settings import load_settings
from nightbook.ui.access import Role
from nightbook.ui.app import Origins, Review, review
from nightbook.ui.guard import COOKIE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORIGINS = Origins(app="http://127.0.0.1:8899", reports="http://localhost:8898")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where somebody sits."""

    review: Review
    client: TestClient
    reports: TestClient

    def login(self, role: Role = Role.ADMIN) -> str:
        """Log Mara in; returns what her forms carry."""
        key = self.review.sessions.admit(self.review.sessions.invite("Mara", role))
        assert key is not None
        self.client.cookies.set(COOKIE, key)
        session = self.review.sessions.find(key)
        assert session is not None
        return session.csrf_token


@pytest.fixture
def desk(finished_project: Path) -> Iterator[Desk]:
    with desk_in(finished_project) as found:
        yield found


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """The app over another project."""
    made = review(load_settings(folder, environment={}), ORIGINS)
    with (
        TestClient(made.app, base_url=ORIGINS.app, follow_redirects=False) as client,
        TestClient(made.reports, base_url=ORIGINS.reports) as reports,
    ):
        yield Desk(review=made, client=client, reports=reports)
