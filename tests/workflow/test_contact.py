from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.records import Cause, RunKind, RunStatus
from nightbook.runs.ledger import Ledger, NewRun, SupervisorProcess
from nightbook.settings import load_settings
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_whose_supervisor_is_gone_is_lost_on_the_next_contact_and_a_live_one_is_not(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environment={})
    me = SupervisorProcess.this()
    gone = SupervisorProcess(host=me.host, pid=me.pid, pid_started_at=me.pid_started_at - 1, pid_space=me.pid_space)
    with Ledger.open(settings.ledger) as ledger:
        dead, alive = (ledger.create_run(NewRun(kind=RunKind.STAGE, stage=name)) for name in ("dead", "alive"))
        ledger.start(dead.run_id, gone)
        ledger.start(alive.run_id, me)
    with open_ledger(settings) as ledger:
        lost = ledger.get(dead.run_id)
        assert (lost.status, lost.cause) == (RunStatus.LOST, Cause.LOST)
        assert ledger.get(alive.run_id).status is RunStatus.RUNNING
