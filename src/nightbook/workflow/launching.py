"""Where the runs of a command are carried out: by processes of this machine, or by an executor's workers."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from nightbook.plugins.executors import GROUP
from nightbook.plugins.registry import load_plugin
from nightbook.runs.launch import SupervisedRun
from nightbook.settings.kinds import EXECUTORS
from nightbook.settings.project import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nightbook.pipelines.stage import Stage
    from nightbook.records import Run
    from nightbook.runs.away.fleet import Fleet
    from nightbook.runs.away.luggage import Packer
    from nightbook.runs.launch import LiveRun
    from nightbook.runs.ledger import Ledger
    from nightbook.runs.request import ExecutionRequest
    from nightbook.settings import Settings

HERE = EXECUTORS[0]


class Launcher(Protocol):
    """Has pending runs carried out."""

    def prepare(self, stages: Iterable[Stage]) -> int:
        """Hear which stages there are; returns how many runs may go on at once.

        Raises:
            ExecutorError: There is nobody who could carry them out.
        """

    def launch(self, run: Run, request: ExecutionRequest, stage: Stage) -> LiveRun:
        """Have a pending run carried out; its folder is there and holds the source."""


@dataclass(frozen=True, slots=True)
class HereLauncher:
    """Each run in a supervisor's process of this machine.

    Attributes:
        jobs: How many at once.
        idle_seconds: How long a warm process waits for work that is started for one of them.
    """

    jobs: int = 1
    idle_seconds: float = 600

    def prepare(self, stages: Iterable[Stage]) -> int:
        """See `Launcher`."""
        del stages
        return self.jobs

    def launch(self, run: Run, request: ExecutionRequest, stage: Stage) -> LiveRun:
        """See `Launcher`."""
        del stage
        return SupervisedRun(run, request, idle_seconds=self.idle_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayLauncher:
    """Each run on a worker.

    Attributes:
        fleet: Sends and follows them.
        packer: Learns which data stays behind.
        jobs: How many at once; None for as many as the workers take.
    """

    fleet: Fleet
    packer: Packer
    jobs: int | None

    def prepare(self, stages: Iterable[Stage]) -> int:
        """See `Launcher`."""
        self.packer.leave_out(stages)
        capacity = self.fleet.capacity()
        return self.jobs or capacity

    def launch(self, run: Run, request: ExecutionRequest, stage: Stage) -> LiveRun:
        """See `Launcher`."""
        return self.fleet.begin(run, request, stage)


@contextmanager
def launcher_for(settings: Settings, ledger: Ledger, jobs: int | None) -> Iterator[Launcher]:
    """What the settings ask for; an executor is opened with the first run, and closed at the end.

    Raises:
        SettingsError: There is no such executor, or what it needs is not installed.
    """
    if settings.executor == HERE:
        yield HereLauncher(jobs or settings.jobs, settings.warm_idle_seconds)
        return
    name, _, address = settings.executor.partition("://")
    factory = load_plugin(GROUP, name)
    asked = jobs or (settings.jobs if settings.sources.get("jobs", DEFAULT) != DEFAULT else None)
    # Loaded where runs go away only: a run on this machine is not to wait for it.
    packer = import_module("nightbook.runs.away.luggage").Packer(settings)
    fleet: Fleet = import_module("nightbook.runs.away.fleet").Fleet(
        ledger,
        partial(factory, replace(settings, jobs=asked or settings.jobs), address),
        packer,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    try:
        yield AwayLauncher(fleet=fleet, packer=packer, jobs=asked)
    finally:
        fleet.close()
