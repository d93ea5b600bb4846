from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.signed import NOW, Reviewed, resigned, trusted

from nightbook.reviews.canonical import canonical_json
from nightbook.reviews.trust import TrustList
from nightbook.reviews.verification import check_reviews, strays
from nightbook.runs.review_log import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightbook.reviews.verification import Checked, Evidence
    from nightbook.runs.review_log import Entry

ONCE_FOR_ALL = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)


def checked(entry: Entry, evidence: Evidence) -> Checked:
    (found,) = check_reviews((entry,), evidence)
    return found


def problem(entry: Entry, evidence: Evidence) -> str:
    return "; ".join(checked(entry, evidence).problems)


def test_what_was_signed_and_is_as_it_was_counts(reviewed: Reviewed) -> None:
    found = checked(reviewed.entry, reviewed.evidence)
    assert found.is_valid
    assert found.statement == reviewed.statement
    assert found.key is not None
    assert found.key.name == "Mara Lind"


def test_a_request_is_nobodys_word(reviewed: Reviewed) -> None:
    asked = replace(reviewed.entry, verdict=Verdict.REQUESTED, envelope="")
    assert check_reviews((asked,), reviewed.evidence) == ()


def places(document: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The way to every value of a JSON document."""
    yield path
    if isinstance(document, dict | list):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from places(document[key], (*path, key))


def with_another_value(document: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return {"_type": "another"}
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = f"{old}!" if isinstance(old, str) else "another"
    return copy


def test_each_field_of_a_statement_changed_in_turn_is_refused(reviewed: Reviewed) -> None:
    envelope = json.loads(reviewed.entry.envelope)
    statement = json.loads(reviewed.statement.to_bytes())
    tried = list(places(statement))
    assert len(tried) > 50
    for path in tried:
        payload = canonical_json(with_another_value(statement, path))
        changed = envelope | {"payload": base64.b64encode(payload).decode()}
        entry = replace(reviewed.entry, envelope=canonical_json(changed).decode())
        assert "the signature is not that of Mara Lind" in problem(entry, reviewed.evidence), path


def test_each_field_of_an_envelope_changed_in_turn_is_refused(reviewed: Reviewed) -> None:
    envelope = json.loads(reviewed.entry.envelope)
    for path in places(envelope):
        changed = canonical_json(with_another_value(envelope, path)).decode()
        assert not checked(replace(reviewed.entry, envelope=changed), reviewed.evidence).is_valid, path


def test_each_byte_of_a_statement_changed_in_turn_is_refused(reviewed: Reviewed) -> None:
    envelope, payload = json.loads(reviewed.entry.envelope), reviewed.statement.to_bytes()
    for place in range(len(payload)):
        altered = bytearray(payload)
        altered[place] ^= 1
        changed = canonical_json(envelope | {"payload": base64.b64encode(bytes(altered)).decode()}).decode()
        assert not checked(replace(reviewed.entry, envelope=changed), reviewed.evidence).is_valid, place


def test_each_character_of_an_envelope_changed_in_turn_is_refused(reviewed: Reviewed) -> None:
    text = reviewed.entry.envelope
    for place, old in enumerate(text):
        changed = text[:place] + ("A" if old != "A" else "B") + text[place + 1 :]
        assert not checked(replace(reviewed.entry, envelope=changed), reviewed.evidence).is_valid, place


@ONCE_FOR_ALL
@given(data=st.data())
def test_an_envelope_altered_in_any_way_is_refused(reviewed: Reviewed, data: st.DataObject) -> None:
    text = reviewed.entry.envelope
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    changed = text[:start] + data.draw(st.text(max_size=8)) + text[end:]
    is_same = changed == text
    assert checked(replace(reviewed.entry, envelope=changed), reviewed.evidence).is_valid == is_same


@ONCE_FOR_ALL
@given(text=st.text() | st.just("[]") | st.just('{"payload":"","payloadType":"","signatures":[{}]}'))
def test_what_is_no_envelope_is_refused_and_no_accident(reviewed: Reviewed, text: str) -> None:
    assert not checked(replace(reviewed.entry, envelope=text), reviewed.evidence).is_valid


def test_each_digest_that_is_not_as_it_was_is_named(reviewed: Reviewed) -> None:
    for name in reviewed.evidence.digests:
        evidence = replace(reviewed.evidence, digests={**reviewed.evidence.digests, name: "0" * 64})
        assert problem(reviewed.entry, evidence) == f"{name} is not as it was"


def test_a_run_deleted_on_disk_is_named(reviewed: Reviewed) -> None:
    left = {name: one for name, one in reviewed.evidence.digests.items() if "." not in name or " " in name}
    words = problem(reviewed.entry, replace(reviewed.evidence, digests=left))
    assert words == "environment.txt, executed.ipynb, report.html, source.ipynb are missing"


def test_a_signature_for_another_run_is_a_replay(reviewed: Reviewed) -> None:
    elsewhere = resigned(reviewed, run_id="0123456789abcdef", label="train #412")
    assert "it was signed for another run, train #412 (0123456789abcdef), and is replayed here" in problem(
        replace(elsewhere, run_id=reviewed.entry.run_id), reviewed.evidence
    )


def test_a_signature_under_another_name_is_a_replay(reviewed: Reviewed) -> None:
    again = replace(reviewed.entry, review_id="1" * 32)
    assert problem(again, reviewed.evidence) == "it was signed as another review, and is replayed here"


@pytest.mark.parametrize(
    "change", [{"verdict": Verdict.COMMENTED}, {"by": "Dana"}, {"job": "weekly"}, {"text": "other words"}]
)
def test_an_entry_that_says_something_else_than_was_signed_is_refused(
    reviewed: Reviewed, change: dict[str, object]
) -> None:
    entry = replace(reviewed.entry, **change)  # type: ignore[arg-type] # fields of an entry
    assert problem(entry, reviewed.evidence) == "the ledger's entry does not say what was signed"


def test_nobody_signs_in_the_name_of_another(reviewed: Reviewed, keys: Any) -> None:
    forged = resigned(reviewed, key=keys[1])
    assert "names Mara Lind as reviewer, but the key is that of דנה כהן" in problem(forged, reviewed.evidence)


def test_a_key_that_is_not_on_the_list_is_refused(reviewed: Reviewed) -> None:
    evidence = replace(reviewed.evidence, trust=TrustList())
    assert problem(reviewed.entry, evidence) == "it is signed with a key that is not on the trust list"


def test_a_revoked_key_counts_no_more_whenever_it_signed(reviewed: Reviewed) -> None:
    revoked = trusted(reviewed.key, revoked=NOW + timedelta(days=9), reason="laptop stolen")
    evidence = replace(reviewed.evidence, trust=TrustList(keys=(revoked,)), now=NOW + timedelta(days=10))
    assert problem(reviewed.entry, evidence) == "the key of Mara Lind was revoked on 2026-03-11: laptop stolen"


def test_a_key_that_ran_out_still_vouches_for_what_it_signed_before(reviewed: Reviewed) -> None:
    for until, is_valid in ((NOW + timedelta(days=1), True), (NOW - timedelta(days=1), False)):
        key = trusted(reviewed.key, until=until)
        evidence = replace(reviewed.evidence, trust=TrustList(keys=(key,)), now=NOW + timedelta(days=9))
        assert checked(reviewed.entry, evidence).is_valid is is_valid


@pytest.mark.parametrize(
    ("decided_at", "at", "words"),
    [
        (NOW + timedelta(hours=1), NOW + timedelta(hours=1), "which is to come"),
        (NOW - timedelta(hours=3), NOW - timedelta(hours=3), "before the run had ended"),
        (NOW - timedelta(minutes=30), NOW, "but was recorded at"),
    ],
)
def test_times_that_cannot_be_are_refused(reviewed: Reviewed, decided_at: Any, at: Any, words: str) -> None:
    entry = replace(resigned(reviewed, decided_at=decided_at), at=at)
    assert words in problem(entry, reviewed.evidence)


def test_clocks_may_differ_by_minutes(reviewed: Reviewed) -> None:
    entry = replace(resigned(reviewed, decided_at=NOW + timedelta(minutes=4)), at=NOW)
    assert checked(entry, reviewed.evidence).is_valid


def test_the_copy_beside_the_run_is_held_against_the_ledger(reviewed: Reviewed) -> None:
    kept = {reviewed.entry.review_id: "other"}
    assert "is not what was recorded" in problem(reviewed.entry, replace(reviewed.evidence, kept=kept))
    kept = {"2" * 32: reviewed.entry.envelope}
    (words,) = strays((reviewed.entry,), replace(reviewed.evidence, kept=kept))
    assert words.startswith(f"reviews/{'2' * 32}.json was put there")
