from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import IntegrityError

from nightbook.runs.schema import Json, UtcTime, metadata, transitions

DIALECT = sqlite_dialect()


def test_times_are_kept_in_utc_and_sort_as_text() -> None:
    column = UtcTime()
    local = datetime(2026, 3, 1, 1, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    kept = column.process_bind_param(local, DIALECT)
    assert kept == "2026-02-28T23:00:00.000005+00:00"
    assert column.process_result_value(kept, DIALECT) == local
    later = column.process_bind_param(local + timedelta(microseconds=999_995), DIALECT)
    assert later is not None
    assert later > kept


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware times only"):
        UtcTime().process_bind_param(datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None), DIALECT)


def test_json_is_compact_and_readable() -> None:
    kept = Json().process_bind_param({"größe": [1, None]}, DIALECT)
    assert kept == '{"größe":[1,null]}'
    assert Json().process_result_value(kept, DIALECT) == {"größe": [1, None]}


def test_an_absent_value_stays_absent() -> None:
    for column in (Json(), UtcTime()):
        assert column.process_bind_param(None, DIALECT) is None
        assert column.process_result_value(None, DIALECT) is None


def test_the_database_itself_refuses_a_second_final_state() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    row = {"run_id": "r", "at": datetime.now(UTC), "host": "", "pid_space": "", "pid": 1, "pid_started_at": 0.0}
    with engine.begin() as connection:
        connection.execute(insert(transitions).values(**row, status="running", is_final=False))
        connection.execute(insert(transitions).values(**row, status="succeeded", is_final=True))
        with pytest.raises(IntegrityError):
            connection.execute(insert(transitions).values(**row, status="failed", is_final=True))


def test_the_ledger_loads_the_dialect_of_its_own_database_only() -> None:
    code = "import sys, nightbook.runs.ledger; print('sqlalchemy.dialects.postgresql' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
