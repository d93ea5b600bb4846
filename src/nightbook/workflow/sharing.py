"""What the runs of a sweep have in common is executed once: decided by reading, prepared beside the sweep."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nightbook.files import write_atomically
from nightbook.pipelines.fingerprint import Fingerprinter
from nightbook.pipelines.prefix import Split, split_stage
from nightbook.runs.request import FORK, LOG, REQUEST, SOURCE, TRUNK, Sharing
from nightbook.runs.sockets import remove_trunk_sockets
from nightbook.runs.warm.places import RUNNER
from nightbook.runs.warm.process import WarmProcess
from nightbook.workflow.engines import choose_engine
from nightbook.workflow.launching import HERE
from nightbook.workflow.requests import StageState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from nightbook.pipelines.digests import FileDigests
    from nightbook.pipelines.fingerprint import Fingerprint
    from nightbook.pipelines.stage import Stage
    from nightbook.settings import Settings
    from nightbook.workflow.making import RunMaker
    from nightbook.workflow.set_stages import ParameterSet

LEAST_RUNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSplit:
    """How the cells of a swept stage are split.

    Attributes:
        stage: Its name.
        varied: The parameters that differ between the sets, outputs included.
        split: Which cells are the same for all sets, and why the others are not.
    """

    stage: str
    varied: tuple[str, ...]
    split: Split


def split_sets(settings: Settings, sets: Sequence[ParameterSet], digests: FileDigests) -> dict[str, StageSplit]:
    """How each stage that the sets change is split; nothing is executed."""
    found = {}
    for name in sets[0].changed:
        stages = [one.pipeline.stages[name] for one in sets]
        varied = _varied(stages)
        found[name] = StageSplit(stage=name, varied=varied, split=_split(settings, stages, varied, digests))
    return found


def _split(settings: Settings, stages: Sequence[Stage], varied: tuple[str, ...], digests: FileDigests) -> Split:
    if settings.executor != HERE:
        return Split(cells=(), reason="the runs are carried out by an executor's workers")
    engine, reason = choose_engine(settings, stages[0], Fingerprinter(settings, digests).used_by(stages[0]).stand_ins)
    if engine != FORK:
        return Split(cells=(), reason=f"the {engine} engine shares nothing: {reason}")
    if len(stages) < LEAST_RUNS:
        return Split(cells=(), reason="there is one set only")
    if len({frozenset(stage.binding.given) for stage in stages}) > 1:
        return Split(cells=(), reason="the sets do not give values to the same parameters")
    return split_stage(stages[0], settings, digests, varied)


def _varied(stages: Iterable[Stage]) -> tuple[str, ...]:
    """The parameters whose values are not the same in all sets."""
    values: dict[str, set[str]] = {}
    for stage in stages:
        for name, value in stage.binding.values.items():
            values.setdefault(name, set()).add(repr(value))
    return tuple(name for name, different in values.items() if len(different) > 1)


@dataclass(slots=True)
class _Trunk:
    """A process that executes the shared cells, or has.

    Attributes:
        folder: Where it leaves word.
        process: It.
        commands: Our end of its standard input, which it stays for.
        sharing: What is shared.
    """

    folder: Path
    process: WarmProcess
    commands: int
    sharing: Sharing

    @property
    def state(self) -> Sharing | StageState | None:
        """What is shared, that it is not ready, or that nothing is."""
        word = self.folder / TRUNK
        if word.exists():
            return None if json.loads(word.read_text(encoding="utf-8"))["reason"] else self.sharing
        return None if self.process.poll() else StageState.WAITING


@dataclass(slots=True)
class Trunks:
    """Has the cells that a sweep's runs share executed once for each stage, when the first run of it is due.

    Attributes:
        maker: Makes the sweep's runs.
        splits: How the stages' cells are split.
    """

    maker: RunMaker
    splits: Mapping[str, StageSplit]
    _trunks: dict[str, _Trunk] = field(default_factory=dict)

    def share(self, stage: Stage, fingerprint: Fingerprint) -> Sharing | StageState | None:
        """What a run of the stage takes over; a run that would have to wait for it says so."""
        split = self.splits.get(stage.name)
        if split is None or not split.split.shared:
            return None
        if stage.name not in self._trunks:
            self._trunks[stage.name] = self._begin(stage, fingerprint, split)
        return self._trunks[stage.name].state

    def close(self) -> None:
        """Let go of them: they end."""
        for trunk in self._trunks.values():
            os.close(trunk.commands)
            trunk.process.wait()
            trunk.process.close()
        if self._trunks and self.maker.parent is not None:
            # Those of kernels that were killed.
            remove_trunk_sockets(self.maker.parent.run_id)
        self._trunks.clear()

    def _begin(self, stage: Stage, fingerprint: Fingerprint, split: StageSplit) -> _Trunk:
        maker, parent = self.maker, self.maker.parent
        assert parent is not None  # noqa: S101 - a sweep is recorded before its sets run
        folder = maker.settings.runs_folder / parent.run_id / "shared" / stage.name
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        write_atomically(folder / SOURCE, json.dumps(stage.notebook.content).encode("utf-8", "surrogatepass"))
        sharing = Sharing(folder=str(folder), cells=split.split.shared, varied=split.varied, seeded=split.split.seeded)
        request = replace(maker.execution(parent, stage, folder, fingerprint), sharing=sharing)
        request.write(folder / REQUEST)
        ours, commands = os.pipe()
        with (folder / LOG).open("ab") as log:
            process = WarmProcess(
                RUNNER,
                ("nightbook.runs.trunk_process", str(folder / REQUEST)),
                descriptors=(ours, log.fileno(), log.fileno()),
                working_directory=request.working_directory,
                idle_seconds=maker.settings.warm_idle_seconds,
            )
        os.close(ours)
        return _Trunk(folder=folder, process=process, commands=commands, sharing=sharing)
