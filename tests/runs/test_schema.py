from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from nightbook.runs.schema import Json, UtcTime, metadata

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


def test_one_run_can_have_one_final_state() -> None:
    (index,) = [index for index in metadata.tables["transitions"].indexes if index.name == "one_final_state"]
    assert index.unique
