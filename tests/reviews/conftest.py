"""Keys, a trust list and a run with its files, for the tests of reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.signed import FACTS, NOW, RUN, Reviewed, signed_entry, trusted

from nightbook.reviews.keys import KeyFolder
from nightbook.reviews.statement import Statement
from nightbook.reviews.subject import digests_of
from nightbook.reviews.trust import TrustList
from nightbook.reviews.verification import Evidence
from nightbook.runs.review_log import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.reviews.keys import SigningKey


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[SigningKey, SigningKey]:
    """Mara's and דנה's, without passphrases."""
    folder = KeyFolder(tmp_path_factory.mktemp("keys"))
    mara, dana = (folder.unlock(folder.create(name, None), None) for name in ("Mara Lind", "דנה כהן"))
    return mara, dana


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("source.ipynb", "executed.ipynb", "report.html", "environment.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


@pytest.fixture
def reviewed(keys: tuple[SigningKey, SigningKey], run_folder: Path) -> Reviewed:
    mara, dana = keys
    digests = digests_of(RUN, FACTS, run_folder)
    statement = Statement(
        review_id="0" * 32,
        verdict=Verdict.APPROVED,
        project="flights",
        run_id=RUN.run_id,
        label=RUN.label,
        reviewer=mara.public.name,
        key_id=mara.public.key_id,
        decided_at=NOW,
        text="größer ist besser",
        job="nightly",
        digests=digests,
    )
    evidence = Evidence(
        run=RUN, digests=digests, trust=TrustList(keys=(trusted(mara, users=("ada",)), trusted(dana))), now=NOW
    )
    return Reviewed(entry=signed_entry(statement, mara), evidence=evidence, statement=statement, key=mara)
