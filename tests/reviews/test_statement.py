from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.errors import ReviewRefusedError
from nightbook.reviews.canonical import canonical_json
from nightbook.reviews.statement import Previous, Statement

if TYPE_CHECKING:
    from collections.abc import Callable


def test_it_is_an_in_toto_statement_about_digests(reviewed: Any) -> None:
    document = json.loads(reviewed.statement.to_bytes())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "urn:nightbook:review:v1"
    names = {one["name"]: one["digest"]["sha256"] for one in document["subject"]}
    assert names.keys() > {"report.html", "executed.ipynb", "source.ipynb", "environment.txt", "parameters", "code"}
    assert names["input flights data/flights.parquet"] == "1" * 64
    assert document["predicate"]["reviewer"]["name"] == "Mara Lind"
    assert document["predicate"]["decidedAt"] == "2026-03-02T12:00:00.000+00:00"


def test_what_was_written_is_read(reviewed: Any) -> None:
    before = Previous(run_id="aa", label="train #412", review_id="bb")
    for statement in (reviewed.statement, replace(reviewed.statement, previous=before)):
        assert Statement.from_bytes(statement.to_bytes()) == statement


def without_reason(document: dict[str, Any]) -> None:
    del document["predicate"]["reason"]


def with_more(document: dict[str, Any]) -> None:
    document["predicate"]["and"] = "more"


def with_a_number(document: dict[str, Any]) -> None:
    document["predicate"]["job"] = 1


def with_another_kind(document: dict[str, Any]) -> None:
    document["predicateType"] = "https://slsa.dev/provenance/v1"


def with_a_list(document: dict[str, Any]) -> None:
    document["predicate"] = []


def with_an_unknown_verdict(document: dict[str, Any]) -> None:
    document["predicate"]["verdict"] = "maybe"


@pytest.mark.parametrize(
    "change", [without_reason, with_more, with_a_number, with_another_kind, with_a_list, with_an_unknown_verdict]
)
def test_what_no_review_says_is_refused(reviewed: Any, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(reviewed.statement.to_bytes())
    change(document)
    with pytest.raises(ReviewRefusedError, match="the statement"):
        Statement.from_bytes(canonical_json(document))
