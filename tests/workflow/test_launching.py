from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.runs.ledger import Ledger
from nightbook.settings import load_settings
from nightbook.workflow.launching import AwayLauncher, HereLauncher, launcher_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightbook.plugins.executors import Executor
    from nightbook.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, environment={})


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    with Ledger.open(settings.ledger) as opened:
        yield opened


class Room:
    """An executor that does nothing."""

    def __init__(self, settings: Settings, address: str) -> None:
        self.jobs, self.address = settings.jobs, address

    def capacity(self) -> int:
        return 7

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Executor]:
    """What the registry is asked to open."""
    made: list[Executor] = []

    def factory(settings: Settings, address: str) -> Executor:
        made.append(Room(settings, address))  # type: ignore[arg-type]  # nothing is sent
        return made[-1]

    monkeypatch.setattr("nightbook.workflow.launching.load_plugin", lambda *_: factory)
    return made


def test_without_an_executor_runs_stay_here(settings: Settings, ledger: Ledger) -> None:
    with launcher_for(replace(settings, jobs=5), ledger, None) as launcher:
        assert launcher == HereLauncher(5)
        assert launcher.prepare([]) == 5
    with launcher_for(settings, ledger, 3) as launcher:
        assert launcher.prepare([]) == 3


def test_an_executor_is_opened_when_it_is_needed_and_says_how_much_room_there_is(
    settings: Settings, ledger: Ledger, opened: list[Room]
) -> None:
    with launcher_for(replace(settings, executor="room://there:1"), ledger, None) as launcher:
        assert isinstance(launcher, AwayLauncher)
        assert opened == []
        assert launcher.prepare([]) == 7
        assert launcher.prepare([]) == 7
    assert [one.address for one in opened] == ["there:1"]


def test_who_says_how_many_runs_may_go_on_is_believed(
    settings: Settings, ledger: Ledger, opened: list[Room], tmp_path: Path
) -> None:
    with launcher_for(replace(settings, executor="room"), ledger, 4) as launcher:
        assert launcher.prepare([]) == 4
    configured = load_settings(tmp_path, environment={"NIGHTBOOK_JOBS": "9", "NIGHTBOOK_EXECUTOR": "room"})
    with launcher_for(configured, ledger, None) as launcher:
        assert launcher.prepare([]) == 9
    assert [(one.jobs, one.address) for one in opened] == [(4, ""), (9, "")]


def test_an_executor_that_is_not_installed_is_refused_before_anything_starts(
    settings: Settings, ledger: Ledger
) -> None:
    with (
        pytest.raises(SettingsError, match="there is no executor 'dusk'"),
        launcher_for(replace(settings, executor="dusk://x"), ledger, None),
    ):
        pass
