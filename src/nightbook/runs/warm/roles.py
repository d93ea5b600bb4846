"""What the forks of each kind of warm parent are for."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from setproctitle import setproctitle

from nightbook.errors import SettingsError
from nightbook.loading import without
from nightbook.pipelines.stand_ins import reason_of
from nightbook.runs.census import RUN_VARIABLE
from nightbook.runs.containment import Containment, choose_containment, end_with_peer
from nightbook.runs.process import command_for
from nightbook.runs.warm.hidden import hidden_modules
from nightbook.runs.warm.isolation import enter
from nightbook.runs.warm.keeper import KERNEL_TITLE, TITLE, TRUNK_TITLE, end_strays, keep
from nightbook.runs.warm.orders import introduce_yourself, refuse
from nightbook.runs.warm.places import KERNEL, PUBLISHER, RUNNER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nightbook.runs.warm.orders import Order
    from nightbook.runs.warm.parent import Role

# What an IPython kernel imports on its way to the first cell and with the first error, command or magic.
_OF_KERNELS = (
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.core.ultratb",
    "IPython.extensions.storemagic",
    "faulthandler",
    "pexpect",
    "psutil",
    "sqlite3.dbapi2",
    "tornado.platform.asyncio",
    "nightbook.notebooks.inside",
    "nightbook.runs.warm.service",
    "nightbook.runs.warm.trunk",
    "nightbook.runs.warm.checkpoint",
    "nightbook.runs.warm.keeper",
)
_MINORS = (4, 5)
# What MLflow loads with its first word to a database.
_OF_THE_EMBEDDED_STORE = ("mlflow.store.tracking.sqlalchemy_store", "alembic.command", "alembic.config")


class KernelRole:
    """Kernels for notebooks; each is a fork of a keeper."""

    def __init__(self) -> None:
        self._loaded = frozenset[str]()

    def load(self) -> None:
        """What each kernel needs before its first cell."""
        for module in _OF_KERNELS:
            import_module(module)
        self._loaded = frozenset(sys.modules)

    def modules(self, order: Order) -> tuple[str, ...]:
        """What the notebook imports."""
        return order.modules

    def serve(self, order: Order, connection: socket.socket) -> NoReturn:
        """Be the keeper of a kernel, unless that would not see what lies where it is to work."""
        if hidden := hidden_modules(order.surroundings.working_directory, self._loaded):
            refuse(connection, reason_of(hidden))
            os._exit(0)
        if not order.containment:
            _be_trunk(order, connection)
        run_id = order.surroundings.environment.get(RUN_VARIABLE, "")
        setproctitle(f"{TITLE} {run_id}")
        keep(connection, Containment(order.containment), partial(_be_kernel, order))
        os._exit(0)

    def end_strays(self, forked: Collection[int]) -> None:
        """What a killed keeper left behind."""
        end_strays(forked)


def _be_trunk(order: Order, connection: socket.socket) -> NoReturn:
    """Be a kernel without a keeper, that forks itself when it is told to."""
    introduce_yourself(connection)
    os.setsid()
    held = os.dup(connection.fileno())
    connection.close()
    # Nobody is left to end it in the middle of a cell when whoever had it made is killed.
    end_with_peer(held)
    _be_kernel(replace(order, descriptors=(*order.descriptors, held)))


def _be_kernel(order: Order) -> NoReturn:
    messages, printed, complained, log, *trunk = order.descriptors
    title = TRUNK_TITLE if trunk else KERNEL_TITLE
    setproctitle(f"{title} {order.surroundings.environment.get(RUN_VARIABLE, '')}")
    _take_standard(os.open(os.devnull, os.O_RDONLY), printed, complained)
    enter(order.surroundings)
    service = import_module("nightbook.runs.warm.service")
    rooting = service.Rooting(order.surroundings, *trunk)
    service.serve_kernel(socket.socket(fileno=messages), log, rooting)
    os._exit(0)


class ProcessRole:
    """Processes of ours, each as `python -m nightbook.runs.process MODULE ARGUMENT…` would be.

    Args:
        load: Loads what they share.
    """

    def __init__(self, load: Callable[[], None]) -> None:
        self._load = load

    def load(self) -> None:
        """Load it."""
        self._load()

    def modules(self, order: Order) -> tuple[str, ...]:
        """They are ours, and may be loaded without a look."""
        for module in order.modules:
            with contextlib.suppress(ImportError):  # which the fork meets, if it matters
                import_module(module)
        return ()

    def serve(self, order: Order, connection: socket.socket) -> NoReturn:
        """Call the module's `main`, unless nobody waits for it any more."""
        introduce_yourself(connection)
        connection.close()
        os.setsid()
        setproctitle(" ".join(command_for(order.module, *order.arguments)))
        _take_standard(*order.descriptors[:3])
        enter(order.surroundings)
        sys.argv = [order.module, *order.arguments]
        import_module(order.module).main(*order.descriptors[3:])
        os._exit(0)

    def end_strays(self, forked: Collection[int]) -> None:
        """None: among what processes of ours leave behind are the parents that they have started."""


def _take_standard(*descriptors: int) -> None:
    """Make these standard input, output and error."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        if descriptor >= len(descriptors):
            os.close(descriptor)


def _load_runners() -> None:
    # papermill takes pyarrow along where it is, to read notebooks from `hdfs://`: ours are given to it.
    with without("pyarrow", "numpy"):
        for module in ("nightbook.runs.engine", "nightbook.runs.ledger", "nightbook.runs.supervise"):
            import_module(module)
    # The schemas of notebooks, which each fork would compile anew.
    for minor in _MINORS:
        import_module("nbformat").validator.get_validator(4, minor)
    # Asked of the machine once, and by all forks after that.
    with contextlib.suppress(SettingsError):
        choose_containment()


def _load_publishers() -> None:
    import_module("nightbook.runs.publish").load_publishing(is_embedded=False)
    import_module("nightbook.runs.reporting").rehearse()
    for module in _OF_THE_EMBEDDED_STORE:
        import_module(module)
    # Else each fork would do so with its first word to the store.
    import_module("sqlalchemy.orm").configure_mappers()
    import_module("nightbook.runs.embedded").installed_version()
    schemas: Any = import_module("mlflow.store.db.utils")
    with contextlib.suppress(AttributeError):  # another MLflow may have another name for it
        # MLflow reads seventy files to tell, whenever it opens a store; they stay as they are while this process lives.
        schemas._get_latest_schema_revision = cache(schemas._get_latest_schema_revision)  # noqa: SLF001 - as above
        schemas._get_latest_schema_revision()  # noqa: SLF001 - as above


ROLES: dict[str, Role] = {
    KERNEL: KernelRole(),
    RUNNER: ProcessRole(_load_runners),
    PUBLISHER: ProcessRole(_load_publishers),
}


def role_of(kind: str) -> Role:
    """What a parent of a kind does."""
    return ROLES[kind]
