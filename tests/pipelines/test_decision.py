from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nightbook.pipelines.decision import Situation, Verdict, decide
from nightbook.pipelines.fingerprint import fingerprint_of
from nightbook.records import LastSuccess, Pin

PARTS = {"code cell 1": "c1", "parameter month": "6", "input data/raw.txt": "r1"}
FINGERPRINT = fingerprint_of(PARTS)
LAST = LastSuccess(
    run_id="x",
    number=12,
    fingerprint=FINGERPRINT.digest,
    parts=PARTS,
    outputs=(Pin(name="out", uri="data/x.parquet", digest="d1"), Pin(name="up", uri="s3://bucket/x")),
    ended_at=datetime(2026, 11, 22, tzinfo=UTC),
)
NOW = Situation(fingerprint=FINGERPRINT, last=LAST, outputs={"data/x.parquet": "d1"})
CHANGED = fingerprint_of({**PARTS, "parameter month": "7"})
UNKNOWN_INPUT = fingerprint_of({"code cell 1": "c1", "parameter month": "6"})
AWAITED = {"input data/raw.txt": "prepare"}


@pytest.mark.parametrize(
    ("now", "verdict", "reasons"),
    [
        (NOW, Verdict.UP_TO_DATE, ("up to date since #12",)),
        (replace(NOW, is_forced=True), Verdict.RUN, ("forced",)),
        (replace(NOW, last=None), Verdict.RUN, ("never ran successfully",)),
        (replace(NOW, fingerprint=CHANGED), Verdict.RUN, ("parameter month changed from 6 to 7",)),
        (replace(NOW, outputs={"data/x.parquet": "d2"}), Verdict.RUN, ("output data/x.parquet was modified by hand",)),
        (replace(NOW, outputs={"data/y.parquet": ""}), Verdict.RUN, ("output data/y.parquet is new",)),
        (
            replace(NOW, outputs={"data/x.parquet": ""}),
            Verdict.RUN,
            ("output data/x.parquet is gone, and the content store does not have it",),
        ),
        (
            replace(NOW, outputs={"data/x.parquet": ""}, kept=frozenset({"d1"})),
            Verdict.RESTORE,
            ("output data/x.parquet is gone; #12 left its own in the content store",),
        ),
        (
            replace(NOW, fingerprint=CHANGED, outputs={"data/x.parquet": "d2"}),
            Verdict.RUN,
            ("parameter month changed from 6 to 7", "output data/x.parquet was modified by hand"),
        ),
        (
            replace(NOW, fingerprint=UNKNOWN_INPUT, awaited=AWAITED),
            Verdict.UNDECIDED,
            ("runs if prepare's outputs change",),
        ),
        (
            replace(NOW, fingerprint=UNKNOWN_INPUT, awaited=AWAITED, outputs={"data/x.parquet": "d2"}),
            Verdict.RUN,
            ("output data/x.parquet was modified by hand",),
        ),
        (
            replace(NOW, last=replace(LAST, fingerprint="of an older program")),
            Verdict.RUN,
            ("what the fingerprint covers changed with the program",),
        ),
    ],
)
def test_every_case_has_its_verdict_and_its_reason(now: Situation, verdict: Verdict, reasons: tuple[str, ...]) -> None:
    decision = decide("train", now)
    assert (decision.verdict, decision.reasons) == (verdict, reasons)
    assert (decision.fingerprint is None) == bool(now.awaited)


OTHERS = replace(LAST, number=14, fingerprint=CHANGED.digest, outputs=(replace(LAST.outputs[0], digest="d3"),))
BACK = replace(NOW, last=OTHERS, same=LAST, outputs={"data/x.parquet": "d3"}, kept=frozenset({"d1", "d3"}))


@pytest.mark.parametrize(
    ("now", "verdict", "reason"),
    [
        (BACK, Verdict.RESTORE, "#12 was made from the same; its data/x.parquet comes back from the content store"),
        (replace(BACK, outputs={"data/x.parquet": "d1"}), Verdict.UP_TO_DATE, "up to date since #12"),
        (replace(BACK, last=None, outputs={"data/x.parquet": ""}), Verdict.RESTORE, "#12 was made from the same"),
        (
            replace(BACK, outputs={"data/x.parquet": "d4"}, kept=frozenset({"d1", "d4"})),
            Verdict.RESTORE,
            "#12 was made",
        ),
        (replace(BACK, is_forced=True), Verdict.RUN, "forced"),
        (replace(BACK, kept=frozenset()), Verdict.RUN, "parameter month"),
        (replace(BACK, outputs={"data/x.parquet": "by hand"}), Verdict.RUN, "parameter month"),
    ],
)
def test_what_was_made_once_from_the_same_is_put_back_when_it_can_be(
    now: Situation, verdict: Verdict, reason: str
) -> None:
    if now.last is not None:
        now = replace(now, last=replace(now.last, parts={**PARTS, "parameter month": "7"}))
    decision = decide("train", now)
    assert decision.verdict is verdict
    assert decision.reasons[0].startswith(reason)
    if verdict is not Verdict.RUN:
        assert decision.last is LAST


def test_what_is_to_be_restored_is_listed() -> None:
    decision = decide("train", replace(NOW, outputs={"data/x.parquet": ""}, kept=frozenset({"d1"})))
    assert decision.restores == LAST.outputs[:1]


def test_a_decision_is_one_json_record() -> None:
    assert decide("train", NOW).to_json() == {
        "stage": "train",
        "verdict": "up to date",
        "reasons": ["up to date since #12"],
        "fingerprint": FINGERPRINT.digest,
        "last_success": 12,
    }
    assert decide("train", replace(NOW, last=None, awaited=AWAITED)).to_json()["fingerprint"] is None
