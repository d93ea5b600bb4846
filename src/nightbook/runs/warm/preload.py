"""Imports what a notebook will import, in a process that forks of itself will share: only what leaves no trace.

A library that starts a thread, prints, warns or opens something while it is imported would make a fork of this
process differ from a fresh one. It cannot be taken back either: the parent says so and begins again without it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import locale
import os
import signal
import socket
import sys
from collections import deque
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.runs.warm.descriptors import open_descriptors
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.questions import asked, warned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})
"""Of pyarrow's allocator, which starts it anew in a fork."""
HARMLESS_FILES = frozenset({"/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"})
"""Without a place where somebody has read or written: what forks share of them, they need not share.

An `eventfd`, a `memfd` or a file that is read are not among them: forks would wake each other, write into each other's
memory, read on where another stopped. No library that we know keeps one of them, or any of these, from its import on.
"""
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_SITES = frozenset({"site-packages", "dist-packages"})
_UNLOADABLE = frozenset({"antigravity", "mlflow", "plotly", "this", "tqdm.auto", "tqdm.autonotebook"})
"""Known to be unfit: two print, one has to find its run's variables, the others ask whether they are in a notebook."""
_WITH_FIRST_USE = {
    "matplotlib": ("matplotlib.backends.backend_agg", "IPython.core.pylabtools"),
    "pandas": ("pandas.io.formats.csvs", "pandas.io.formats.html", "pandas.io.formats.string", "pyarrow.pandas_compat"),
    "sklearn": ("narwhals.stable.v2._namespace", "narwhals._pandas_like.namespace"),
}
"""What a library imports only when a table is shown, a figure drawn, a sample split: most notebooks come to that."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """A module that may not be loaded before the fork, and why."""

    module: str
    reason: str


class Preloader:
    """Imports modules one at a time, the most wanted first.

    Args:
        unfit: Names of modules that have been found unfit.
    """

    def __init__(self, unfit: Iterable[str] = ()) -> None:
        self._unfit = frozenset(unfit)
        self._waiting: deque[str] = deque()
        self._seen = set[str]()
        self._environment = dict(os.environ)

    @property
    def has_more(self) -> bool:
        """Something is left to be imported."""
        return bool(self._waiting)

    @property
    def changed_environment(self) -> dict[str, str]:
        """Environment variables that an import has set, for later imports to see."""
        return {name: value for name, value in os.environ.items() if self._environment.get(name) != value}

    def want(self, modules: Iterable[str]) -> None:
        """Import these when there is time; names that are known are not looked at again."""
        fresh = [name for name in modules if name not in self._seen]
        self._seen.update(fresh)
        self._waiting.extend(fresh)

    def load(self, modules: Iterable[str]) -> Unfit | None:
        """Import these now; returns the first that proves unfit, after which this process must not be forked."""
        for name in modules:
            self._seen.add(name)
            if name in self._waiting:
                self._waiting.remove(name)
            if (unfit := self._import(name)) is not None:
                return unfit
        return None

    def load_next(self) -> Unfit | None:
        """Import one that was wanted."""
        return self._import(self._waiting.popleft())

    def _import(self, name: str) -> Unfit | None:
        if name in sys.modules or name in self._unfit or not is_installed(name):
            return None
        self.want(_WITH_FIRST_USE.get(name.partition(".")[0], ()))
        return watched(name, lambda: import_module(name))


def is_installed(name: str) -> bool:
    """Whether a module belongs to an installed distribution, so that it is no module of the user's own.

    Finds the top-level package only: nothing is imported to look.
    """
    top = name.partition(".")[0]
    if _UNLOADABLE & {top, name}:
        return False
    if top in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return False
    places = [spec.origin] if spec and spec.origin else list(spec.submodule_search_locations or ()) if spec else []
    return bool(places) and all(_SITES & set(Path(str(place)).parts) for place in places)


def watched(name: str, do: Callable[[], object]) -> Unfit | None:
    """Do an import; returns in which way it was not silent, None when it was or when it failed.

    A failure is for the notebook to meet, where it can be seen.
    """
    before = _traces()
    spoken: list[str] = []
    unraised = contextlib.suppress(Exception, SystemExit)
    with _captured(spoken), warned() as warnings_shown, asked() as questions, unraised:
        do()
    after = _traces()
    if warnings_shown:
        return Unfit(name, "warns while it is imported")
    if questions:
        return Unfit(name, "asks for its notebook while it is imported")
    if spoken and spoken[0].strip():
        return Unfit(name, "prints while it is imported")
    return next(
        (Unfit(name, f"changes {what} while it is imported") for what in after if after[what] != before[what]),
        None,
    )


def threads() -> list[str]:
    """The names of this process's threads beyond the first that a fork would miss."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return []
    names = [(task / "comm").read_text(encoding="utf-8", errors="replace").strip() for task in tasks.iterdir()]
    names = sorted(name for name in names if name not in HARMLESS_THREADS)
    return names[1:]


def _traces() -> dict[str, object]:
    opened = open_descriptors()
    return {
        "which threads run": threads(),
        "the working directory": str(Path.cwd()),
        "signal handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        "which sockets are open": sorted(one for one in opened.values() if one.startswith("socket:")),
        "which files or devices are open": {
            number: one for number, one in opened.items() if not one.startswith("socket:") and one not in HARMLESS_FILES
        },
        "the umask": present_surroundings().umask,
        "the locale": locale.setlocale(locale.LC_ALL),
        "how long sockets wait": socket.getdefaulttimeout(),
        "timers": [any(signal.getitimer(timer)) for timer in _TIMERS],
    }


@contextlib.contextmanager
def _captured(spoken: list[str]) -> Iterator[None]:
    """Take what is written to standard output and error, by Python or below it."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    with contextlib.ExitStack() as stack:
        # A file, not a pipe: nobody reads meanwhile.
        taken = os.memfd_create("nightbook-spoken")
        stack.callback(os.close, taken)
        for number in (1, 2):
            os.dup2(taken, number)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, original in zip((1, 2), kept, strict=True):
                os.dup2(original, number)
                os.close(original)
            size = os.lseek(taken, 0, os.SEEK_END)
            spoken.append(os.pread(taken, min(size, 10_000), 0).decode("utf-8", "replace"))
