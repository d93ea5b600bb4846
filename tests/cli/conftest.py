from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightbook.cli.main import run_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Said:
    """What a command left on stdout and stderr, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.out)
        return found

    @property
    def lines(self) -> list[str]:
        """Of stdout, with the gaps between columns closed."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


@pytest.fixture
def nightbook(capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command in this process, with the exit code that a shell sees."""

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        code = run_command(arguments)
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def in_project(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in the finished project."""
    monkeypatch.chdir(finished_project)
    return finished_project


@pytest.fixture
def in_copy(project_copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a copy of it."""
    monkeypatch.chdir(project_copy)
    return project_copy


@pytest.fixture
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys of nobody yet."""
    monkeypatch.setenv("NIGHTBOOK_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def published_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow, which takes seconds to load, is not told."""
    monkeypatch.setenv("NIGHTBOOK_PUBLISH", "later")


@pytest.fixture
def trusted_key(own_keys: Path, in_copy: Path, nightbook: Callable[..., Said]) -> None:
    """Mara's key, the only one that the project trusts."""
    nightbook("keys", "create", "Mara", "--no-passphrase")
    assert nightbook("keys", "trust").code == 0
