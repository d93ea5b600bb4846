"""Which warm parent serves a process of given surroundings, and where it listens.

A parent is shared by all commands of one user as long as a fork of it cannot be told from a fresh process: the same
interpreter, the same installed files, the same environment and rights but for what a fork can be given anew.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.machine import processors
from nightbook.pipelines.distributions import site_folders
from nightbook.runs.warm.bounds import control_group, for_good
from nightbook.runs.warm.isolation import ONE_THREAD
from nightbook.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = "NIGHTBOOK_WARM_FOLDER"
IDLE = "NIGHTBOOK_WARM_IDLE_SECONDS"
_HARMLESS = frozenset(
    [
        "_",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "COLUMNS",
        "LINES",
        "TERM",
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "TERM_SESSION_ID",
        "COLORTERM",
        "WINDOWID",
        "PS1",
        "LS_COLORS",
        "SSH_TTY",
        "SSH_CLIENT",
        "SSH_CONNECTION",
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "XDG_SESSION_ID",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "TMUX",
        "TMUX_PANE",
        "STY",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "MAKE_TERMERR",
        "MAKE_TERMOUT",
        "MLFLOW_RUN_ID",
        "MLFLOW_TRACKING_URI",
        "MLFLOW_DISABLE_TELEMETRY",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
    ]
)
_HARMLESS_BEGINNINGS = ("NIGHTBOOK_", "PYTEST_", "VSCODE_", "JPY_", "GITHUB_", "CI_")
_OURS = ("PYTHON", "LD_", "LC_", "LANG", "VIRTUAL_ENV", "CONDA_PREFIX")
_LONGEST_PATH = 100
KERNEL, RUNNER, PUBLISHER = "kernel", "runner", "publisher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A parent's place.

    Attributes:
        key: A digest of all that its forks have in common.
        folder: Where its socket, lock and log lie.
    """

    key: str
    folder: Path

    @property
    def circumstances(self) -> str:
        """The key without the control groups: those of another login, say, in which all else is the same."""
        return self.key.rpartition("-")[0]

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / f"{self.key}.sock"

    @property
    def lock(self) -> Path:
        """Held while it is started, so that two commands at once start one."""
        return self.folder / f"{self.key}.lock"

    @property
    def log(self) -> Path:
        """What it says of itself."""
        return self.folder / f"{self.key}.log"


def place_of(kind: str, environment: Mapping[str, str], *, root: str = "", secrets: Iterable[str] = ()) -> Place:
    """Where the parent for forks of a kind listens, whether or not there is one now.

    Args:
        kind: `kernel`, `runner` or `publisher`.
        environment: Of the process that is wanted.
        root: The project, for parents that load what its notebooks import.
        secrets: Names of variables that hold secrets: no parent needs to know them.

    Raises:
        StorageError: There is no folder that only this user may enter.
    """
    told = set(secrets)
    counts = _counts_for_kernels if kind == KERNEL else _counts_for_ours
    said = sorted(f"{name}={value}" for name, value in environment.items() if counts(name) and name not in told)
    # Any library may ask when it is imported how many processors there are, as dask does.
    said += [str(processors())] if kind == KERNEL else []
    parts = (kind, root, __version__, sys.executable, sys.version, installed_state(), _namespaces(), for_good(), *said)
    key = f"{kind}-{_digest(*parts)[:16]}-{_digest(control_group())[:8]}"
    return Place(key=key, folder=warm_folder(environment))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _counts_for_kernels(name: str) -> bool:
    """Any library may read any variable when it is imported: all count but those that are known to be no matter."""
    return name not in _HARMLESS and name not in ONE_THREAD and not name.startswith(_HARMLESS_BEGINNINGS)


def _counts_for_ours(name: str) -> bool:
    return name.startswith(_OURS)


def secret_variables(references: Iterable[str]) -> list[str]:
    """The environment variables that hold secrets, of references such as `env:TOKEN`."""
    return [one.removeprefix("env:") for one in references if one.startswith("env:")]


def warm_folder(environment: Mapping[str, str]) -> Path:
    """The folder of this user's parents; it is made when it is not there.

    Raises:
        StorageError: It belongs to somebody else, others may enter it, or it cannot be made; on Windows always.
    """
    if sys.platform == "win32":
        raise StorageError("Windows has no warm processes", remedy="--engine jupyter")
    chosen = environment.get(FOLDER)
    shared = environment.get("TMPDIR") or "/tmp"  # noqa: S108 - for a folder that nobody else may enter
    folder = Path(chosen or f"{shared}/nightbook-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise StorageError(f"cannot use {folder}: {error}", remedy="--engine jupyter, or set TMPDIR") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StorageError(f"others may enter {folder}", remedy="remove it: it is made anew for you alone")
    if len(os.fsencode(folder)) > _LONGEST_PATH - 40:
        raise StorageError(f"{folder} is too long a path for a socket", remedy="set TMPDIR to a shorter one")
    return folder


def installed_state() -> str:
    """Changes whenever something is installed, upgraded or removed, or Nightbook itself is edited.

    It is looked at once a second, and by each process itself.
    """
    return _installed_state(site_folders(sys.executable), os.getpid(), int(time.monotonic()))


@lru_cache(maxsize=1)
def _installed_state(sites: tuple[str, ...], process: int, second: int) -> str:
    del process, second
    # Conda keeps account there of all that it installs, also of what is no part of Python.
    accounts = {f"{prefix}/conda-meta" for prefix in (sys.prefix, sys.base_prefix)}
    places = [*sites, str(Path(sys.prefix) / "pyvenv.cfg"), sys.executable, *sorted(accounts)]
    own = Path(__file__).parents[2]
    return " ".join(f"{place}@{_changed_at(place)}" for place in [*places, *_source_files(str(own))])


@lru_cache(maxsize=1)
def _source_files(folder: str) -> tuple[str, ...]:
    walked = os.walk(folder)
    return tuple(sorted(f"{place}/{name}" for place, _, names in walked for name in names if name.endswith(".py")))


def _changed_at(place: str) -> int:
    try:
        return os.stat(place).st_mtime_ns  # noqa: PTH116 - called for two hundred files
    except OSError:
        return 0


def _namespaces() -> str:
    """Processes of another namespace, such as a container's, see other files and processes behind the same names."""
    found = []
    for name in ("pid", "mnt", "user", "net"):
        try:
            found.append(str(Path(f"/proc/self/ns/{name}").readlink()))
        except OSError:
            continue
    return " ".join(found)
