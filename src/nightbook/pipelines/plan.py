"""The plan: which stages will run, in which order, and why each will or will not."""

from __future__ import annotations

import html
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.cards import STYLE
from nightbook.errors import KernelError, StorageError
from nightbook.pipelines.decision import Decision, Situation, Verdict, decide
from nightbook.pipelines.fingerprint import Fingerprinter, input_part, stage_part
from nightbook.pipelines.graph import check_data
from nightbook.pipelines.kernels import find_kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from nightbook.pipelines.digests import FileDigests
    from nightbook.pipelines.fingerprint import Fingerprint
    from nightbook.pipelines.graph import Pipeline
    from nightbook.pipelines.stage import DataPath, Stage
    from nightbook.pipelines.store import ContentStore
    from nightbook.records import LastSuccess
    from nightbook.settings import Settings

__all__ = ["Decision", "Evidence", "Plan", "Verdict", "make_plan", "require_kernels", "settle"]

_ICONS = {Verdict.RUN: "▶", Verdict.UP_TO_DATE: "✓", Verdict.RESTORE: "↺", Verdict.UNDECIDED: "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Decisions in the order in which stages can run; shows itself as a table in a notebook."""

    decisions: tuple[Decision, ...]

    def __getitem__(self, stage: str) -> Decision:
        return next(one for one in self.decisions if one.stage == stage)

    def named(self, *verdicts: Verdict) -> tuple[str, ...]:
        """The stages with one of these verdicts, in order."""
        return tuple(one.stage for one in self.decisions if one.verdict in verdicts)

    @property
    def is_up_to_date(self) -> bool:
        """There is nothing to do."""
        return all(one.verdict is Verdict.UP_TO_DATE for one in self.decisions)

    def to_json(self) -> dict[str, object]:
        """One JSON document."""
        return {"stages": [one.to_json() for one in self.decisions]}

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(one.stage)}</td><td>{_ICONS[one.verdict]} {one.verdict}</td>"
            f"<td>{'<br>'.join(map(html.escape, one.reasons))}</td></tr>"
            for one in self.decisions
        )
        head = "<thead><tr><th>Stage</th><th>Verdict</th><th>Why</th></tr></thead>"
        return f'<style>{STYLE}</style><div class="nb nb-card"><table>{head}<tbody>{rows}</tbody></table></div>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a plan is made from, beside the pipeline.

    Attributes:
        settings: The project.
        last_successes: The latest reusable success of each stage, by its name.
        find_success: Returns the latest reusable success with a fingerprint, None when there is none.
        digests: Tells what lies in the project now.
        store: Tells what could be restored.
        forced: Stages that run in any case.
        why_forced: For what reason.
    """

    settings: Settings
    last_successes: Mapping[str, LastSuccess]
    find_success: Callable[[str], LastSuccess | None]
    digests: FileDigests
    store: ContentStore
    forced: frozenset[str] = frozenset()
    why_forced: str = "forced"


def make_plan(pipeline: Pipeline, targets: Iterable[str], evidence: Evidence) -> Plan:
    """Decide on the targets and all that they need; no targets stand for the whole pipeline.

    Raises:
        PipelineError: A target is no stage, an input is missing, or an output cannot be written.
        KernelError: A stage that is to run has no kernel.
    """
    names = pipeline.needed_for(targets)
    check_data(pipeline, names)
    fingerprinter = Fingerprinter(evidence.settings, evidence.digests)
    decided: dict[str, Decision] = {}
    for name in names:
        decided[name] = _decide(pipeline, name, evidence, fingerprinter, decided)
    with suppress(StorageError):  # a project that cannot be written is planned all the same, only slower
        evidence.digests.save()
    fingerprinter.save()
    plan = Plan(decisions=tuple(decided.values()))
    require_kernels(pipeline.stages[name] for name in plan.named(Verdict.RUN, Verdict.UNDECIDED))
    return plan


def settle(pipeline: Pipeline, name: str, evidence: Evidence) -> Decision:
    """Decide again on a stage when all before it have ended well; the answer is never `UNDECIDED`.

    Args:
        pipeline: The pipeline.
        name: The stage.
        evidence: As it is now: `last_successes` with those of the stages that have just run.
    """
    fingerprinter = Fingerprinter(evidence.settings, evidence.digests)
    decision = _decide(pipeline, name, evidence, fingerprinter, {})
    # What was learned of the environment takes longer than all else: the next one finds it.
    fingerprinter.save()
    return decision


def _decide(
    pipeline: Pipeline, name: str, evidence: Evidence, fingerprinter: Fingerprinter, decided: Mapping[str, Decision]
) -> Decision:
    stage, last = pipeline.stages[name], evidence.last_successes.get(name)
    awaited: dict[str, str] = {}
    provided: dict[str, str] = {}
    for part, writer, data in _parts_from_stages(pipeline, stage):
        before = decided.get(writer)
        if before is not None and before.verdict in {Verdict.RUN, Verdict.UNDECIDED}:
            awaited[part] = writer
        elif data is None or data.path is None:
            # No digest shows what the stage left behind, so what it was made from stands for it.
            success = before.last if before is not None else evidence.last_successes.get(writer)
            provided[part] = success.fingerprint if success else "never ran"
        elif before is not None and before.restores:
            provided.update(_once_restored(pipeline.stages[writer], before, data, last))
    outputs = {one.uri: evidence.digests.digest(one.path) for one in stage.outputs if one.path is not None}
    fingerprint = fingerprinter.of(stage, provided, awaited.keys())
    same = None if awaited else _find_same(stage, fingerprint, evidence)
    pins = [pin for success in (last, same) if success is not None for pin in success.outputs]
    differing = [pin for pin in pins if outputs.get(pin.uri, pin.digest) != pin.digest]
    digests = {digest for pin in differing for digest in (pin.digest, outputs[pin.uri]) if digest}
    return decide(
        name,
        Situation(
            fingerprint=fingerprint,
            last=last,
            same=same,
            awaited=awaited,
            outputs=outputs,
            kept=frozenset(filter(evidence.store.has, digests)),
            is_forced=name in evidence.forced,
            why_forced=evidence.why_forced,
        ),
    )


def _find_same(stage: Stage, fingerprint: Fingerprint, evidence: Evidence) -> LastSuccess | None:
    """An earlier success that rests on the same; of outputs that no digest shows, nobody knows whose they are now."""
    last = evidence.last_successes.get(stage.name)
    if (last is not None and last.fingerprint == fingerprint.digest) or any(one.path is None for one in stage.outputs):
        return None
    return evidence.find_success(fingerprint.digest)


def _parts_from_stages(pipeline: Pipeline, stage: Stage) -> Iterator[tuple[str, str, DataPath | None]]:
    """The parts of a stage's fingerprint that other stages make: name, stage, and the data if there is any."""
    for data in stage.inputs:
        for writer in pipeline.writers[stage.name][data.key]:
            yield input_part(data), writer, data
    for name in stage.after:
        yield stage_part(name), name, None


def _once_restored(writer: Stage, before: Decision, data: DataPath, last: LastSuccess | None) -> dict[str, str]:
    """An input's part as it will be when the stage before has its outputs back; empty when it lies there already."""
    part = input_part(data)
    digests = {pin.uri: pin.digest for pin in before.restores}
    for output in writer.outputs:
        if output.uri not in digests:
            continue
        if output.key == data.key:
            return {part: digests[output.uri]}
        if output.key.startswith(f"{data.key}/") or data.key.startswith(f"{output.key}/"):
            # Part of a folder comes back: what was there at the last success is what will be there.
            return {part: last.parts.get(part, "") if last else ""}
    return {}


def require_kernels(stages: Iterable[Stage]) -> None:
    """Make sure that the stages can be started.

    Raises:
        KernelError: A kernel is not installed; the installed ones are named.
    """
    for name, stage in {stage.kernel_name: stage for stage in stages}.items():
        try:
            find_kernel(name)
        except KernelError as error:
            raise KernelError(f"{error.message}, and stage '{stage.name}' needs it", remedy=error.remedy) from None
