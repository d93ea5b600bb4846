"""What a fork takes over from its parent and a fresh process would not have: put right before any user's code runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.machine import processors
from nightbook.runs.warm.bounds import bound_memory, soft_limits, take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INLINE = "module://matplotlib_inline.backend_inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a process starts with.

    Attributes:
        environment: All of its environment variables.
        working_directory: Absolute.
        umask: Of the files that it makes.
        memory_bytes: The most data that it may hold; None for any.
        limits: Its soft limits, by their names in `resource`; those that are not named stay as they are.
        processors: On which it may run; none for all that its parent may use.
        changed_by_imports: Variables that libraries set or changed when the parent imported them.
    """

    environment: Mapping[str, str]
    working_directory: str
    umask: int = 0o022
    memory_bytes: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    processors: Sequence[int] = ()
    changed_by_imports: Mapping[str, str] = field(default_factory=dict)


def present_surroundings(working_directory: str = "", memory_bytes: int | None = None) -> Surroundings:
    """Those of this process, in another folder when one is named, with a limit when there is one."""
    umask = os.umask(0o077)
    os.umask(umask)
    folder = working_directory or str(Path.cwd())
    return Surroundings(
        environment=dict(os.environ),
        working_directory=folder,
        umask=umask,
        memory_bytes=memory_bytes,
        limits=soft_limits(),
        processors=processors(),
    )


def enter(surroundings: Surroundings) -> None:
    """Have this process begin as one that was just started with these surroundings.

    Raises:
        OSError: The working directory is gone.
    """
    _restore_signals()
    environment = {**surroundings.changed_by_imports, **surroundings.environment}
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(surroundings.working_directory)
    os.umask(surroundings.umask)
    time.tzset()
    _begin_family(surroundings.working_directory)
    take(surroundings.limits, surroundings.processors)
    if surroundings.memory_bytes is not None:
        bound_memory(surroundings.memory_bytes)
    _seed()
    _use_threads(environment)


def _restore_signals() -> None:
    signal.set_wakeup_fd(-1)
    at_pythons_start: Mapping[int, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGPIPE: signal.SIG_IGN,
        signal.SIGXFSZ: signal.SIG_IGN,
    }
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        wanted = at_pythons_start.get(number, signal.SIG_DFL)
        # None is one that was not set by Python, such as those of `faulthandler`: a fresh process has it too.
        if signal.getsignal(number) not in {wanted, None}:
            signal.signal(number, wanted)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _begin_family(working_directory: str) -> None:
    """What `multiprocessing` hands on to the processes that it starts: where this one began, and a key of its own."""
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = working_directory
        process.current_process().authkey = os.urandom(32)


def _seed() -> None:
    """Every process draws numbers of its own, as long as nobody says otherwise."""
    import_module("random").seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and "numpy.random" in sys.modules:
        numpy.random.seed(None)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.seed()


def _use_threads(environment: Mapping[str, str]) -> None:
    """Let the libraries that the parent held to one thread have what a fresh process would have."""
    if not any(name in sys.modules for name in _USERS_OF_THREADS):
        return
    controller: Any = import_module("threadpoolctl")
    available = len(processors())
    for library in controller.ThreadpoolController().lib_controllers:
        asked = next(
            (environment[name] for name in _VARIABLES.get(library.internal_api, ()) if environment.get(name)), ""
        )
        library.set_num_threads(int(asked) if asked.isdecimal() and int(asked) else available)


_USERS_OF_THREADS = ("numpy", "sklearn", "torch")
"""Those that load the libraries concerned."""
_VARIABLES = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "openmp": ("OMP_NUM_THREADS",),
}
ONE_THREAD = {name: "1" for names in _VARIABLES.values() for name in names}
