from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nightbook.errors import LedgerError
from nightbook.records import RunKind
from nightbook.runs.facts import NewRun
from nightbook.runs.heartbeat import Heartbeat
from nightbook.runs.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_beats_until_it_is_stopped_also_while_the_ledger_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[str] = []
    enough = threading.Event()

    def beat(ledger: Ledger, run_id: str) -> bool:
        del ledger
        beats.append(run_id)
        if len(beats) >= 3:
            enough.set()
        raise LedgerError("away for a while")

    with Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite") as ledger:
        run = ledger.create_run(NewRun(kind=RunKind.PIPELINE))
        monkeypatch.setattr(Ledger, "beat", beat)
        with Heartbeat(ledger, run.run_id, seconds=0.01) as heart:
            assert enough.wait(60)
        heart.stop()
        told = len(beats)
    assert set(beats) == {run.run_id}
    assert len(beats) == told
