from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.signed import FACTS, RUN

from nightbook.errors import ReviewRefusedError
from nightbook.records import Pin
from nightbook.reviews.canonical import sha256
from nightbook.reviews.subject import differences, digests_of, require_files

if TYPE_CHECKING:
    from pathlib import Path


def test_files_are_digested_byte_by_byte(run_folder: Path) -> None:
    assert digests_of(RUN, FACTS, run_folder)["report.html"] == sha256(b"report.html")


def test_data_has_the_digest_of_its_pin_and_without_one_that_of_what_is_known(run_folder: Path) -> None:
    digests = digests_of(RUN, FACTS, run_folder)
    assert digests["input flights data/flights.parquet"] == "1" * 64
    assert len(digests["output model data/model.joblib"]) == 64


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"parameters": {"month": 7}}, "parameters"),
        ({"metrics": {"auc": float("nan")}}, "metrics"),
        ({"git_dirty": True}, "git"),
        ({"fingerprint": "x"}, "code"),
        ({"message": "x"}, "outcome"),
        ({"notebook": "other.ipynb"}, "origin"),
        (
            {"inputs": (Pin(name="flights", uri="data/flights.parquet", digest="sha256:2"),)},
            "input flights data/flights.parquet",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fact_that_changes_is_named(run_folder: Path, change: dict[str, object], name: str) -> None:
    before = digests_of(RUN, FACTS, run_folder)
    after = digests_of(replace(RUN, **change), FACTS, run_folder)  # type: ignore[arg-type] # fields of a run
    assert differences(before, after) == (f"{name} is not as it was",)


def test_what_is_missing_or_new_is_named(run_folder: Path) -> None:
    before = digests_of(RUN, FACTS, run_folder)
    (run_folder / "report.html").unlink()
    (run_folder / "source.ipynb").unlink()
    after = digests_of(RUN, FACTS, run_folder)
    assert differences(before, after) == ("report.html, source.ipynb are missing",)
    assert differences(after, before) == ("report.html, source.ipynb are not part of what was signed",)


def test_a_run_whose_files_are_gone_cannot_be_reviewed(tmp_path: Path) -> None:
    with pytest.raises(ReviewRefusedError, match=r"train #418 cannot be reviewed here: source\.ipynb, executed"):
        require_files(RUN, digests_of(RUN, FACTS, tmp_path))
