"""What suffices for an approval: decided from settings, run, reviews and trust list, without touching a disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.numbers import format_number
from nightbook.records import CellStatus, RunStatus
from nightbook.runs.review_log import ReviewState, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from nightbook.records import Run
    from nightbook.reviews.trust import TrustedKey, TrustList
    from nightbook.reviews.verification import Checked
    from nightbook.settings import MetricLimit, ReviewSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A run that is to be approved, with all that decides about it.

    Attributes:
        run: Its record.
        author: Who ran it, by login name.
        better: Which direction is good, by metric, as the run declared it.
        before: Metrics of the run approved before; None where none was.
        trust: The trust list.
    """

    run: Run
    author: str
    better: Mapping[str, str]
    before: Mapping[str, float] | None
    trust: TrustList


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Where a run stands, and what it still lacks."""

    state: ReviewState
    lacks: tuple[str, ...] = ()


def judge(rules: ReviewSettings, candidate: Candidate, reviews: tuple[Checked, ...], job: str) -> Judgement:
    """Where a run stands; of each person the last decision counts, and one rejection stands against all approvals.

    Args:
        rules: What the settings demand for the job.
        candidate: The run.
        reviews: What was said, oldest first; what is not valid does not count.
        job: The job that it would be approved for.
    """
    last: dict[str, Checked] = {}
    for one in reviews:
        is_decision = one.entry.verdict in {Verdict.APPROVED, Verdict.REJECTED}
        if is_decision and one.is_valid and one.key is not None:
            last[one.key.name] = one
    rejecting = [name for name, one in last.items() if one.entry.verdict is Verdict.REJECTED]
    if rejecting:
        return Judgement(state=ReviewState.REJECTED, lacks=(f"rejected by {', '.join(rejecting)}",))
    approving = [
        one.key.name
        for one in last.values()
        if one.key is not None
        and one.entry.job == job
        and not approver_obstacles(rules, candidate, one.key, one.entry.at)
    ]
    lacks = list(run_obstacles(rules, candidate))
    if len(approving) < rules.approvals:
        lacks.append(f"{len(approving)} of {rules.approvals} approvals")
    return Judgement(state=ReviewState.WAITING if lacks else ReviewState.APPROVED, lacks=tuple(lacks))


def approver_obstacles(rules: ReviewSettings, candidate: Candidate, key: TrustedKey, at: datetime) -> tuple[str, ...]:
    """Why this person may not approve this run; empty when they may.

    Args:
        rules: What the settings demand for the job.
        candidate: The run.
        key: Whose approval.
        at: When it is, or was, given: who was alone then may have approved their own.
    """
    found = []
    if rules.may_approve and not {key.name, *key.roles} & set(rules.may_approve):
        found.append(f"{key.name} is none of those who may approve: {', '.join(rules.may_approve)}")
    people = candidate.trust.people(at)
    may_approve_own = len(people) < 2 if rules.self_approval is None else rules.self_approval  # noqa: PLR2004 - alone
    if not may_approve_own and candidate.author in {key.name, *key.users}:
        found.append(
            f"{candidate.run.label} is a run of {key.name}, and {len(people)} people are trusted: another approves"
        )
    return tuple(found)


def run_obstacles(rules: ReviewSettings, candidate: Candidate) -> tuple[str, ...]:
    """Why nobody may approve this run; empty when somebody may."""
    run, found = candidate.run, []
    failing = [cell.index for cell in run.cells if cell.status is CellStatus.FAILED]
    if rules.no_failing_cell and (failing or run.status is not RunStatus.SUCCEEDED):
        where = f" in cell {failing[0]}" if failing else ""
        found.append(f"the run {run.status.value}{where}")
    if rules.clean_git and (run.git_commit is None or run.git_dirty is not False):
        found.append("there is no commit" if run.git_commit is None else "it ran with uncommitted changes")
    for name, limit in rules.metrics.items():
        found += _metric_obstacles(name, limit, candidate)
    return tuple(found)


def _metric_obstacles(name: str, limit: MetricLimit, candidate: Candidate) -> list[str]:
    value = candidate.run.metrics.get(name)
    if value is None:
        return [f"the metric '{name}' was not logged"]
    found = []
    # Written so that NaN passes none of them.
    if limit.at_least is not None and not value >= limit.at_least:
        found.append(f"{name} is {format_number(value)}, not at least {format_number(limit.at_least)}")
    if limit.at_most is not None and not value <= limit.at_most:
        found.append(f"{name} is {format_number(value)}, not at most {format_number(limit.at_most)}")
    before = (candidate.before or {}).get(name)
    if limit.worse_by is None or before is None:
        return found
    better = candidate.better.get(name, "")
    if not better:
        return [*found, f"{name} does not say whether higher or lower is better, so it cannot be compared"]
    worse = before - value if better == "higher" else value - before
    if not worse <= limit.worse_by:
        change = f"{format_number(value)} after {format_number(before)}"
        found.append(f"{name} is worse by more than {format_number(limit.worse_by)}: {change}")
    return found
