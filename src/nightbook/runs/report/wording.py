"""Statuses, causes, commits and values in words: what a page says about a run, never by colour alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.numbers import MISSING, exact, format_number, is_number
from nightbook.records import Cause, RunStatus

if TYPE_CHECKING:
    from nightbook.records import MetricPoint, Run

_SHORT_COMMIT = 7
_LONG_TEXT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWord:
    """A status as people see it: the word, and the names of its icon and colour in the style sheet."""

    word: str
    icon: str
    tone: str


STATUS_WORDS = {
    RunStatus.SUCCEEDED: StatusWord(word="Succeeded", icon="check", tone="good"),
    RunStatus.FAILED: StatusWord(word="Failed", icon="cross", tone="bad"),
    RunStatus.CANCELLED: StatusWord(word="Cancelled", icon="cross", tone="bad"),
    RunStatus.LOST: StatusWord(word="Lost", icon="cross", tone="bad"),
    RunStatus.RUNNING: StatusWord(word="Running", icon="triangle", tone="busy"),
    RunStatus.PENDING: StatusWord(word="Queued", icon="dash", tone="none"),
    RunStatus.SKIPPED: StatusWord(word="Skipped, up to date", icon="dash", tone="none"),
}

CAUSE_WORDS = {
    Cause.CELL_ERROR: "A cell raised an error",
    Cause.KERNEL_DIED: "The kernel died",
    Cause.OUT_OF_MEMORY: "The kernel ran out of memory",
    Cause.TIMEOUT: "A time limit was reached",
    Cause.INTERRUPTED: "The run was interrupted",
    Cause.UPSTREAM_FAILED: "A stage that this one needs failed",
    Cause.LOST: "Whatever supervised the run is gone",
}

BETTER_WORDS = {"higher": "higher is better", "lower": "lower is better"}


def cause_in_words(run: Run) -> str:
    """Why it did not succeed; empty for a run that did."""
    return CAUSE_WORDS[run.cause] if run.cause else ""


def commit_in_words(run: Run) -> tuple[str, str]:
    """The short commit, and whether the tree was clean; the first is empty without git."""
    if not run.git_commit:
        return "", "no git commit"
    state = {True: "with uncommitted changes", False: "clean", None: ""}[run.git_dirty]
    return run.git_commit[:_SHORT_COMMIT], state


def short_digest(digest: str) -> str:
    """`9b1e62…40`: enough to compare by eye; the whole one goes into a title."""
    value = digest.rpartition(":")[2]
    return f"{value[:6]}…{value[-2:]}" if len(value) > 10 else value  # noqa: PLR2004 - shorter than its own short form


def value_in_words(value: object) -> str:
    """A parameter's value: numbers as people read them, text as it is, the rest as JSON."""
    if value is None:
        return "None"
    if isinstance(value, bool):
        return str(value)
    if is_number(value) and isinstance(value, int | float):
        return format_number(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if not text:
        return "(empty)"
    return text if len(text) <= _LONG_TEXT else f"{text[:_LONG_TEXT]}… ({len(text):,} characters)"


def full_value(value: object) -> str:
    """Every digit, for a title."""
    if is_number(value) and isinstance(value, int | float):
        return exact(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def better_in_words(point: MetricPoint | None) -> str:
    """`higher is better`; empty for a neutral metric."""
    return BETTER_WORDS.get(point.better, "") if point else ""


def present(text: str) -> str:
    """The text, or a dash for none."""
    return text or MISSING
