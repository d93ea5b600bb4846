from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.warmth import WarmFolder, until

from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE
from nightbook.runs.warm.places import KERNEL, place_of
from nightbook.runs.warm.starting import start_once

if TYPE_CHECKING:
    import pytest


def test_two_that_ask_at_once_start_one_parent(warm: WarmFolder) -> None:
    place = place_of(KERNEL, os.environ)
    with ThreadPoolExecutor(4) as pool:
        connections = list(pool.map(lambda _: start_once(place, os.environ), range(4)))
    for connection in connections:
        assert connection is not None
        connection.close()
    until(lambda: warm.parents(KERNEL))
    assert len(warm.parents(KERNEL)) == 1
    assert warm.booting() == []


def test_a_parent_belongs_to_no_run(warm: WarmFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Processes that name themselves no longer show their environment: this one says it.
    program = warm.path / "program"
    program.write_text("#!/bin/sh\nenv > told.part; mv told.part told\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    environment = {**os.environ, RUN_VARIABLE: "r", RUN_FOLDER: "f", "MLFLOW_RUN_ID": "m", "KEPT": "yes"}
    connection = start_once(place_of(KERNEL, os.environ), environment)
    assert connection is not None
    connection.close()
    told = warm.path / "told"
    until(told.exists)
    names = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert "KEPT" in names
    assert {RUN_VARIABLE, RUN_FOLDER, "MLFLOW_RUN_ID"}.isdisjoint(names)
