"""One project as configured: flag > environment `NIGHTBOOK_…` > file > default, each value with its source."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from nightbook.errors import SettingsError
from nightbook.machine import processors
from nightbook.records import Limits
from nightbook.settings.kinds import (
    CONTAINMENTS,
    ENGINES,
    EXECUTORS,
    LIMITS,
    PUBLISHINGS,
    SETTINGS,
    checked,
    from_text,
    kind_of,
)
from nightbook.settings.reviews import ReviewSettings, read_reviews
from nightbook.settings.stages import StageSettings, read_stages
from nightbook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "nightbook.toml"
DEFAULT = "default"
DEFAULT_ENGINE = ENGINES[0] if sys.platform.startswith("linux") else ENGINES[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One project as configured; paths are absolute, relative SQLite URLs are resolved against the root.

    Attributes:
        root: The folder that holds the settings file, or the working directory when there is none.
        name: The project's name, by default the folder's.
        notebooks: The folder of the stages, relative to the root.
        state: Where ledger, runs, store and caches live.
        ledger: URL of the database that holds the runs.
        tracking_uri: MLflow's.
        experiment: MLflow's experiment, by default the project's name.
        store: The content store's folder, absolute, or its URL.
        jobs: How many stages may run at once.
        engine: One of `ENGINES`.
        executor: Where runs are carried out: `local`, or the name of a plugin, perhaps with an address behind `://`.
        archive_limit_bytes: The most that is sent to workers as the project's files.
        publish: When reports are written and MLflow is told, one of `PUBLISHINGS`: as runs end, or with a later sync.
        containment: How a run's processes are held together, one of `CONTAINMENTS`; `auto` is the strongest that the
            machine allows.
        limits: What every run may use unless its stage says otherwise.
        module_paths: Folders, relative to the root, whose modules count as the project's own.
        heartbeat_seconds: How often a supervisor says that it lives.
        lost_after_seconds: Silence after which a run counts as lost.
        warm_idle_seconds: How long a warm process waits for work before it ends.
        checkpoint: Whether runs leave checkpoints, from which `resume` can go on inside a notebook.
        checkpoint_after_seconds: How long cells must have taken for a checkpoint to be left behind them.
        checkpoint_keep_seconds: How long checkpoints stay after a run that did not succeed.
        checkpoint_memory_bytes: The most that a run's checkpoints may hold together; by default a quarter of the
            machine's memory.
        requires: The oldest program that may run the project, such as `0.2`.
        stages: The `[stages.NAME]` tables.
        reviews: The `[reviews.PATTERN]` tables: what an approval for such a job takes, in the order of the file.
        sources: Where each setting's value comes from, in words.
    """

    root: Path
    name: str
    notebooks: str = "notebooks"
    state: Path
    ledger: str
    tracking_uri: str
    experiment: str
    store: str
    jobs: int
    engine: str = DEFAULT_ENGINE
    executor: str = EXECUTORS[0]
    archive_limit_bytes: int = 100_000_000
    publish: str = PUBLISHINGS[0]
    containment: str = CONTAINMENTS[0]
    limits: Limits = field(default_factory=Limits)
    module_paths: tuple[str, ...] = (".", "src")
    heartbeat_seconds: float = 5
    lost_after_seconds: float = 30
    warm_idle_seconds: float = 600
    checkpoint: bool = False
    checkpoint_after_seconds: float = 10
    checkpoint_keep_seconds: float = 86_400
    checkpoint_memory_bytes: int = field(default_factory=lambda: memory_of_machine() // 4)
    requires: str = ""
    stages: Mapping[str, StageSettings] = field(default_factory=dict)
    reviews: Mapping[str, ReviewSettings] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_embedded_tracking(self) -> bool:
        """MLflow's database is a file that Nightbook itself prepares, not a server or a team's database."""
        return self.tracking_uri.startswith("sqlite:")

    @property
    def runs_folder(self) -> Path:
        """One folder per run, named by its id."""
        return self.state / "runs"

    @property
    def cache_folder(self) -> Path:
        """What may be deleted at any time: remembered digests."""
        return self.state / "cache"


def memory_of_machine() -> int:
    """Bytes; a gigabyte where the system does not say."""
    if not hasattr(os, "sysconf"):
        return 1_000_000_000
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def load_settings(
    start: Path, *, environment: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings of the project around a folder; without a settings file the folder itself is the project.

    Args:
        start: Where to look for `nightbook.toml` or `[tool.nightbook]` in `pyproject.toml`, going upwards.
        environment: Variables such as `NIGHTBOOK_JOBS`; a list is separated as PATH is.
        flags: Values from a command line by setting; None stands for a flag that was not given.

    Raises:
        SettingsError: A file that is no TOML, an unknown setting (the nearest named), a value of the wrong type,
            or a project that requires a newer program.
    """
    file, table = _find(start.resolve())
    root = file.parent if file else start.resolve()
    where = file.name if file else FILE_NAME
    # Before its settings: a newer project may hold some that this program does not know.
    _require_program(table.get("requires"), where)
    stages = read_stages(table.pop("stages", {}), where)
    reviews = read_reviews(table.pop("reviews", {}), where)
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for key, value in table.items():
        values[key] = checked(kind_of(key, SETTINGS, where), value, f"'{key}' in {where}")
        sources[key] = where
    for key, (value, variable) in _from_environment(environment).items():
        values[key], sources[key] = value, f"environment {variable}"
    for key, value in (flags or {}).items():
        if value is not None:
            flag = "--timeout" if key == "timeout_seconds" else f"--{key.replace('_', '-')}"
            values[key] = checked(kind_of(key, SETTINGS, "the flags"), value, flag)
            sources[key] = f"flag {flag}"
    return replace(_settings(root, values, sources), stages=stages, reviews=reviews)


def _find(start: Path) -> tuple[Path | None, dict[str, object]]:
    for folder in (start, *start.parents):
        own = folder / FILE_NAME
        if own.is_file():
            return own, _toml(own)
        shared = folder / "pyproject.toml"
        # Most pyproject files on the way up say nothing of Nightbook and may even be broken; that is not our affair.
        if shared.is_file() and b"tool.nightbook" in shared.read_bytes():
            tools = cast("dict[str, dict[str, object]]", _toml(shared).get("tool", {}))
            if "nightbook" in tools:
                return shared, tools["nightbook"]
    return None, {}


def _toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}", remedy="mend that line") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is no UTF-8 text (byte {error.start})", remedy="save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror or error}") from None


def _require_program(requires: object, where: str) -> None:
    if requires is None:
        return
    found = re.fullmatch(r"\s*(?:>=)?\s*(\d+(?:\.\d+)*)\s*", requires) if isinstance(requires, str) else None
    if not found:
        raise SettingsError(f"'requires' in {where} is no version: {requires!r}", remedy='requires = "0.1"')
    needed = tuple(map(int, found[1].split(".")))
    here = tuple(int(part) for part in re.findall(r"\d+", __version__)[:3])
    if needed > here:
        raise SettingsError(
            f"{where} requires Nightbook {found[1]} or newer; this is {__version__}",
            remedy=f"pip install --upgrade 'nightbook>={found[1]}'",
        )


def _from_environment(environment: Mapping[str, str]) -> dict[str, tuple[object, str]]:
    """Values by setting, with their variables; empty variables count as unset."""
    variables = {f"NIGHTBOOK_{key.upper()}": key for key in SETTINGS if key != "requires"}
    found: dict[str, tuple[object, str]] = {}
    for variable, text in environment.items():
        if not variable.startswith("NIGHTBOOK_") or not text:
            continue
        key = variables.get(variable)
        if key:
            found[key] = (from_text(SETTINGS[key], text, variable), variable)
        # Others may share the prefix (a run's own variables do); only a near miss is a mistake.
        elif close := get_close_matches(variable, variables, n=1, cutoff=0.9):
            raise SettingsError(f"unknown setting {variable} in the environment", remedy=f"did you mean '{close[0]}'?")
    return found


def _settings(root: Path, values: dict[str, object], sources: dict[str, str]) -> Settings:
    def text(key: str, default: str) -> str:
        return str(values.pop(key, default))

    state = root / text("state", ".nightbook")
    name = text("name", root.name or "project")
    limits = {key: values.pop(key) for key in LIMITS if key in values}
    return Settings(
        root=root,
        name=name,
        state=state,
        ledger=_url(text("ledger", f"sqlite:///{state / 'ledger.sqlite'}"), root),
        tracking_uri=_url(text("tracking_uri", f"sqlite:///{state / 'mlflow.sqlite'}"), root),
        experiment=text("experiment", name),
        store=_place(text("store", str(state / "store")), root),
        jobs=cast("int", values.pop("jobs", len(processors()))),
        limits=Limits(**limits),  # type: ignore[arg-type] # each value has just been checked
        sources={key: sources.get(key, DEFAULT) for key in SETTINGS},
        **values,  # type: ignore[arg-type] # as above
    )


def _url(url: str, root: Path) -> str:
    """Anchor a relative SQLite file at the root, so that the folder one stands in makes no second database."""
    found = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|$)(.+)", url)
    return f"{found[1]}{root / found[2]}" if found else url


def _place(store: str, root: Path) -> str:
    """An absolute folder, or a URL of fsspec's as it is; `file://` is a folder."""
    if "://" not in store:
        return str(root / store)
    return str(Path(unquote(urlsplit(store).path))) if store.startswith("file://") else store
