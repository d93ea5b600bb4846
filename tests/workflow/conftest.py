"""A project whose runs can be reviewed, and two people whom it trusts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightbook.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from nightbook.reviews.keys import SigningKey
    from nightbook.workflow.deciding import Decided


@dataclass(frozen=True, kw_only=True)
class ReviewedProject:
    """`fit` #6 succeeded, `check` #4 failed; Mara and דנה are trusted, neither of whom ran anything."""

    root: Path
    mara: SigningKey
    dana: SigningKey

    @property
    def settings(self) -> Settings:
        return load_settings(self.root, environment={})

    def configure(self, text: str) -> None:
        (self.root / "nightbook.toml").write_text(text, encoding="utf-8")

    def decide(self, key: SigningKey, verdict: str = "approved", reference: str = "6", job: str = "nightly") -> Decided:
        from nightbook.runs.review_log import Verdict  # noqa: PLC0415 - most tests of workflow need none of this
        from nightbook.workflow.deciding import Decision, decide  # noqa: PLC0415 - as above

        said = Decision(
            reference=reference, verdict=Verdict(verdict), text="as agreed", job=job * (verdict == "approved")
        )
        return decide(self.settings, said, key)

    def run_folder(self, number: int = 6) -> Path:
        from nightbook.workflow.browsing import show_run  # noqa: PLC0415 - as above

        return self.settings.runs_folder / show_run(self.settings, str(number)).run.run_id


@pytest.fixture
def project(project_copy: Path, tmp_path: Path) -> ReviewedProject:
    from nightbook.reviews.keys import KeyFolder  # noqa: PLC0415 - most tests of workflow need none of this
    from nightbook.reviews.trust import TrustedKey  # noqa: PLC0415 - as above
    from nightbook.workflow.trusting import trust  # noqa: PLC0415 - as above

    folder = KeyFolder(tmp_path / "keys")
    mara, dana = (folder.unlock(folder.create(name, None), None) for name in ("Mara", "דנה"))
    for key in (mara, dana):
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        entry = TrustedKey(public=key.public, roles=("reviewer",), start=start)
        trust(load_settings(project_copy, environment={}), entry)
    return ReviewedProject(root=project_copy, mara=mara, dana=dana)
