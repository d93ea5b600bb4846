from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from nightbook.cli.watching import LateWatcher
from nightbook.workflow.requests import StageState, StageView

if TYPE_CHECKING:
    import pytest


def test_what_there_is_to_say_is_said_when_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    with LateWatcher() as watcher:
        watcher.waiting("another run goes first")
        watcher.begun([StageView(name=name, state=StageState.WAITING) for name in ("fit", "check")])
        watcher.update([StageView(name="fit", state=StageState.RUNNING)])
        watcher.update([StageView(name="fit", state=StageState.FAILED)])
        watcher.publishing("writing reports")
    said = capsys.readouterr().err
    assert "another run goes first" in said
    assert "fit  running" in said
    assert "fit  failed" in said


def test_nothing_is_loaded_for_who_has_nothing_to_say() -> None:
    code = (
        "import sys; from nightbook.cli.watching import LateWatcher\n"
        "with LateWatcher() as watcher: watcher.planned(None); watcher.begun(())\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
