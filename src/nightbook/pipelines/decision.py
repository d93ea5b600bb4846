"""The decision on one stage, from what is known of it: pure, so that every case can be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from nightbook.pipelines.fingerprint import Fingerprint, differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.records import LastSuccess, Pin


class Verdict(StrEnum):
    """What will become of a stage."""

    RUN = "run"
    UP_TO_DATE = "up to date"
    RESTORE = "restore"
    UNDECIDED = "undecided"
    """A stage before it runs first; when that leaves the same data behind, this one is up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on a stage.

    Attributes:
        stage: The stage's name.
        verdict: What will become of it.
        reasons: Why, a short sentence each.
        fingerprint: What a run of it would rest on; None while stages before it still have to run.
        restores: Outputs to bring back from the content store.
        last: The success that it was compared with.
    """

    stage: str
    verdict: Verdict
    reasons: tuple[str, ...]
    fingerprint: Fingerprint | None = None
    restores: tuple[Pin, ...] = ()
    last: LastSuccess | None = None

    def to_json(self) -> dict[str, object]:
        """What `run -n --json` and `why --json` print of it."""
        return {
            "stage": self.stage,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "fingerprint": self.fingerprint.digest if self.fingerprint else None,
            "last_success": self.last.number if self.last else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the decision on one stage rests on.

    Attributes:
        fingerprint: Of the parts that are known now.
        last: The latest success, None when there is none.
        same: Another success, made from exactly what a run would be made from now; None when there is no other.
        awaited: The parts that are not known yet, each with the stage that decides them.
        outputs: The digest of what lies at each declared output now; empty where nothing lies.
        kept: Those digests, of what lies there and of what the successes left behind, that the content store has: the
            one can be put in the place of the other, and nothing is lost.
        is_forced: It runs in any case.
        why_forced: For what reason.
    """

    fingerprint: Fingerprint
    last: LastSuccess | None = None
    same: LastSuccess | None = None
    awaited: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    is_forced: bool = False
    why_forced: str = "forced"


def decide(stage: str, now: Situation) -> Decision:
    """Judge one stage from what is known; touches no disk."""
    fingerprint = None if now.awaited else now.fingerprint
    if now.same is not None and not now.is_forced and (back := _go_back(stage, now, now.same)) is not None:
        return back
    if now.is_forced or now.last is None:
        reason = now.why_forced if now.is_forced else "never ran successfully"
        return Decision(stage=stage, verdict=Verdict.RUN, reasons=(reason,), fingerprint=fingerprint, last=now.last)
    restores, problems = _judge_outputs(now, now.last)
    reasons = (*_changes(now, now.last), *problems)
    verdict = Verdict.RUN
    if not reasons and now.awaited:
        verdict = Verdict.UNDECIDED
        reasons = tuple(f"runs if {name}'s outputs change" for name in dict.fromkeys(now.awaited.values()))
    elif not reasons and restores:
        verdict = Verdict.RESTORE
        words = {pin.uri: "another run's" if now.outputs[pin.uri] else "gone" for pin in restores}
        left = f"#{now.last.number} left its own in the content store"
        reasons = tuple(f"output {uri} is {word}; {left}" for uri, word in words.items())
    elif not reasons:
        verdict, reasons = Verdict.UP_TO_DATE, (f"up to date since #{now.last.number}",)
    return Decision(
        stage=stage,
        verdict=verdict,
        reasons=reasons,
        fingerprint=fingerprint,
        restores=restores if verdict is Verdict.RESTORE else (),
        last=now.last,
    )


def _go_back(stage: str, now: Situation, same: LastSuccess) -> Decision | None:
    """What ran before exactly as it would run now need not run again, if what it left behind is to be had."""
    restores, problems = _judge_outputs(now, same)
    if problems:
        return None
    reasons = (f"up to date since #{same.number}",)
    if restores:
        names = ", ".join(pin.uri for pin in restores)
        reasons = (f"#{same.number} was made from the same; its {names} comes back from the content store",)
    return Decision(
        stage=stage,
        verdict=Verdict.RESTORE if restores else Verdict.UP_TO_DATE,
        reasons=reasons,
        fingerprint=now.fingerprint,
        restores=restores,
        last=same,
    )


def _changes(now: Situation, last: LastSuccess) -> tuple[str, ...]:
    if now.fingerprint.digest == last.fingerprint:
        return ()
    before = {name: value for name, value in last.parts.items() if name not in now.awaited}
    found = differences(before, now.fingerprint.parts)
    return found or (() if now.awaited else ("what the fingerprint covers changed with the program",))


def _judge_outputs(now: Situation, success: LastSuccess) -> tuple[tuple[Pin, ...], tuple[str, ...]]:
    """Outputs to restore, and what speaks for a run."""
    recorded = {pin.uri: pin for pin in success.outputs}
    restores: list[Pin] = []
    problems: list[str] = []
    for uri, digest in now.outputs.items():
        pin = recorded.get(uri)
        if pin is None:
            problems.append(f"output {uri} is new")
        elif digest == pin.digest:
            continue
        elif digest and digest not in now.kept:
            problems.append(f"output {uri} was modified by hand")
        elif pin.digest in now.kept:
            restores.append(pin)
        else:
            problems.append(f"output {uri} is gone, and the content store does not have it")
    return tuple(restores), tuple(problems)
