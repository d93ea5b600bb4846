"""What is installed, how the project is configured, and whether what it rests on can be reached."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import NightbookError
from nightbook.numbers import format_bytes, format_count
from nightbook.pipelines.kernels import installed_kernels
from nightbook.records import Limits
from nightbook.reviews.names import shown_name
from nightbook.reviews.trust import TRUST_FILE, load_trust
from nightbook.runs.containment import Containment, choose_containment
from nightbook.runs.git import read_git_state
from nightbook.runs.ledger import Ledger
from nightbook.runs.probe import answers, shown_uri
from nightbook.settings import ReviewSettings
from nightbook.settings.project import DEFAULT, FILE_NAME
from nightbook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightbook.settings import Settings

DISTRIBUTIONS = ("papermill", "nbclient", "nbconvert", "mlflow", "jupyterlab", "ipykernel")
LITTLE_SPACE_BYTES = 1_000_000_000
GUARANTEES = {
    Containment.NAMESPACE: "no process outlives its run, even when all of ours are killed at once",
    Containment.USER_NAMESPACE: "no process outlives its run, even when all of ours are killed at once (without root)",
    Containment.PROCESS_TREE: (
        "no process outlives its run while supervisor or runner lives; are both killed, the next command ends the rest"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its value as people may see it, and where it comes from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: What was tried.
        is_good: Nothing stands in the way of a run.
        words: What was found.
        remedy: What to do about it; empty when nothing need be done.
    """

    name: str
    is_good: bool
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All that `nightbook doctor` finds."""

    versions: dict[str, str | None]
    settings: tuple[Setting, ...]
    checks: tuple[Check, ...]

    @property
    def is_healthy(self) -> bool:
        """Everything that was tried works."""
        return all(check.is_good for check in self.checks)

    def to_json(self) -> dict[str, object]:
        """The document of `--json`."""
        return {
            "healthy": self.is_healthy,
            "versions": self.versions,
            "settings": {one.name: {"value": one.value, "source": one.source} for one in self.settings},
            "checks": [
                {"name": one.name, "ok": one.is_good, "found": one.words, "remedy": one.remedy} for one in self.checks
            ],
        }


def diagnose(settings: Settings) -> Diagnosis:
    """Look at everything once; nothing is made, nothing heavy is imported, and a dead server takes half a second."""
    looks = (_ledger, _tracking, _state, _disk, _kernels, _containment, _git, _trust)
    tried: tuple[Callable[[Settings], Check], ...] = looks
    return Diagnosis(
        versions=versions(),
        settings=(*(_setting(settings, name) for name in settings.sources), *_review_settings(settings)),
        checks=tuple(one(settings) for one in tried),
    )


def versions() -> dict[str, str | None]:
    """What is installed, by name; None for what is not."""
    found: dict[str, str | None] = {"python": platform.python_version(), "nightbook": __version__}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _setting(settings: Settings, name: str) -> Setting:
    holder = settings.limits if name in {one.name for one in fields(Limits)} else settings
    value = getattr(holder, name)
    shown = "none" if value is None else ", ".join(value) if isinstance(value, tuple) else shown_uri(str(value))
    return Setting(name=name, value=shown, source=settings.sources[name])


def _review_settings(settings: Settings) -> Iterator[Setting]:
    """Each table in one line; without any, what then holds."""
    file = FILE_NAME if (settings.root / FILE_NAME).is_file() else "pyproject.toml"
    for pattern, rules in settings.reviews.items() or [("*", ReviewSettings())]:
        said = ", ".join(f"{one.name}={_demand(getattr(rules, one.name))}" for one in fields(rules))
        yield Setting(name=f'reviews."{pattern}"', value=said, source=file if settings.reviews else DEFAULT)


def _demand(value: object) -> str:
    if isinstance(value, tuple):
        return "+".join(value) or "anybody"
    if isinstance(value, Mapping):
        return "+".join(value) or "none"
    return "when alone" if value is None else str(value).lower()


def _trust(settings: Settings) -> Check:
    try:
        people = load_trust(settings.root).people(datetime.now(UTC))
    except NightbookError as error:
        return Check(name="trust", is_good=False, words=error.message, remedy=error.remedy)
    names = ", ".join(shown_name(name) for name in sorted(people))
    words = f"{TRUST_FILE}: {names}" if people else "nobody may sign reviews yet (nightbook keys create)"
    return Check(name="trust", is_good=True, words=words)


def _ledger(settings: Settings) -> Check:
    place = shown_uri(settings.ledger)
    path = Path(settings.ledger.removeprefix("sqlite:///"))
    if settings.ledger.startswith("sqlite:///") and not path.exists():
        return Check(name="ledger", is_good=True, words=f"{place} will be made by the first run")
    if not answers(settings.ledger, timeout_seconds=1):
        return Check(
            name="ledger", is_good=False, words=f"{place} does not answer", remedy="check the setting 'ledger'"
        )
    try:
        with Ledger.open(settings.ledger, create=False) as ledger:
            newest = ledger.runs(limit=1)
    except NightbookError as error:
        return Check(name="ledger", is_good=False, words=error.message, remedy=error.remedy)
    words = f"the newest run is {newest[0].label}" if newest else "no runs yet"
    return Check(name="ledger", is_good=True, words=f"{place}: {words}")


def _tracking(settings: Settings) -> Check:
    place = shown_uri(settings.tracking_uri)
    if settings.is_embedded_tracking:
        return Check(name="tracking", is_good=True, words=f"MLflow embedded in {place}")
    if answers(settings.tracking_uri, timeout_seconds=1):
        return Check(name="tracking", is_good=True, words=f"MLflow at {place} answers")
    return Check(
        name="tracking",
        is_good=False,
        words=f"MLflow at {place} does not answer; runs go on, what it misses arrives later",
        remedy="check the setting 'tracking_uri'; afterwards: nightbook sync",
    )


def _state(settings: Settings) -> Check:
    folder = next(one for one in (settings.state, *settings.state.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check(name="state", is_good=True, words=f"{settings.state} can be written")
    except OSError as error:
        return Check(
            name="state",
            is_good=False,
            words=f"{folder} cannot be written: {error.strerror}",
            remedy="choose another folder: state = …",
        )


def _disk(settings: Settings) -> Check:
    folder = next(one for one in (settings.state, *settings.state.parents) if one.exists())
    usage = shutil.disk_usage(folder)
    return Check(
        name="disk",
        is_good=usage.free >= LITTLE_SPACE_BYTES,
        words=f"{format_bytes(usage.free)} free of {format_bytes(usage.total)}",
        remedy="" if usage.free >= LITTLE_SPACE_BYTES else "free some space",
    )


def _kernels(settings: Settings) -> Check:
    del settings
    kernels = installed_kernels()
    return Check(name="kernels", is_good=True, words=f"{format_count(len(kernels), 'kernel')}: {', '.join(kernels)}")


def _containment(settings: Settings) -> Check:
    try:
        chosen = choose_containment(settings.containment)
    except NightbookError as error:
        return Check(name="containment", is_good=False, words=error.message, remedy=error.remedy)
    return Check(name="containment", is_good=True, words=GUARANTEES[chosen])


def _git(settings: Settings) -> Check:
    state = read_git_state(settings.root)
    if state.commit is None:
        return Check(name="git", is_good=True, words="no commit here: runs will not say which code they were made with")
    return Check(
        name="git",
        is_good=True,
        words=f"{state.commit[:7]}, {'with uncommitted changes' if state.is_dirty else 'clean'}",
    )
