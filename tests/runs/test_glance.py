from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from sqlalchemy import text

from nightbook.records import Pin, RunKind, RunStatus
from nightbook.runs.glance import glance_success_of, glance_successes
from nightbook.runs.ledger import Ledger, NewRun, Outcome
from nightbook.runs.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from pathlib import Path


def filled(path: Path) -> Ledger:
    ledger = Ledger.open(f"sqlite:///{path}")
    for stage, status, reusable in [
        ("train", RunStatus.SUCCEEDED, True),
        ("train", RunStatus.SUCCEEDED, True),
        ("train", RunStatus.FAILED, True),
        ("score", RunStatus.SUCCEEDED, True),
        ("score", RunStatus.SUCCEEDED, False),
    ]:
        new = NewRun(kind=RunKind.STAGE, stage=stage, fingerprint="f", fingerprint_parts={"größe": "1"})
        run = ledger.create_run(new)
        pins = (Pin(name="model", uri="data/model", digest="sha256:1", size_bytes=3),)
        ledger.finish(run.run_id, Outcome(status=status, reusable=reusable, outputs=pins))
    return ledger


def test_a_glance_sees_what_the_ledger_tells(tmp_path: Path) -> None:
    with filled(tmp_path / "ledger.sqlite") as ledger:
        glance = glance_successes(ledger.engine.url.render_as_string(), schema_version=SCHEMA_VERSION)
        assert glance == ledger.last_successes()
    assert glance is not None
    assert {stage: success.number for stage, success in glance.items()} == {"train": 2, "score": 4}


def test_a_success_is_found_by_its_fingerprint(tmp_path: Path) -> None:
    with filled(tmp_path / "ledger.sqlite") as ledger:
        url = ledger.engine.url.render_as_string()
        assert glance_success_of(url, "f") == tuple(ledger.successes_of(["f"]).values())
        assert [one.number for one in glance_success_of(url, "f") or ()] == [4]
        assert glance_success_of(url, "another") == ()
    assert glance_success_of("postgresql://db/ledger", "f") is None


def test_a_ledger_that_does_not_exist_yet_tells_nothing_and_is_not_made(tmp_path: Path) -> None:
    assert glance_successes(f"sqlite:///{tmp_path}/ledger.sqlite") == {}
    assert list(tmp_path.iterdir()) == []


def test_what_a_glance_cannot_judge_is_left_to_the_ledger(tmp_path: Path) -> None:
    assert glance_successes("postgresql://db/ledger") is None
    (tmp_path / "broken.sqlite").write_text("no database")
    assert glance_successes(f"sqlite:///{tmp_path}/broken.sqlite") is None
    with filled(tmp_path / "newer.sqlite") as ledger, ledger.engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '99'"))
    assert glance_successes(f"sqlite:///{tmp_path}/newer.sqlite") is None


def test_a_glance_needs_the_standard_library_alone() -> None:
    code = "import sys, nightbook.runs.glance; print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert not {"sqlalchemy", "mlflow", "psutil"} & set(loaded.stdout.split())
