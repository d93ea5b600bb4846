"""What an executor is: it carries errands to other machines and letters to and fro; it knows nothing of notebooks.

All that makes a run true, its supervisor, limits and events, is on both sides of it in `nightbook.runs.away`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nightbook.settings import Settings

GROUP = "nightbook.executors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """The project's files, packed; equal digests are equal contents, so that nobody need be sent it twice."""

    digest: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One run to carry out: on a worker, call `nightbook.runs.away.attempt.carry_out` with it.

    Attributes:
        run_id: The run; letters are addressed by it.
        label: For people and dashboards: the stage and the beginning of its fingerprint.
        document: JSON that only the two sides understand; it holds no secret's value.
        cargo: What it needs of the project.
    """

    run_id: str
    label: str
    document: str
    cargo: Cargo


class Stand(StrEnum):
    """Where an errand stands."""

    WAITING = "waiting"
    """No worker has it: not yet, or not any more."""
    AWAY = "away"
    """A worker is at it; the reply's text is its answer to the letter."""
    OVER = "over"
    """The text is what `carry_out` returned. Said once; then the errand is forgotten."""
    LOST = "lost"
    """It will not be carried out; the text says why. Said once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a letter."""

    stand: Stand
    text: str = ""


class Executor(Protocol):
    """Where runs are carried out, opened for one command; a worker that dies is for it to replace by another.

    It may be called from several threads.
    """

    def capacity(self) -> int:
        """How many errands can be carried out at once, as far as is known now; at least 1."""

    def send(self, errand: Errand) -> None:
        """Have it carried out when there is room; returns at once."""

    def exchange(self, letters: Mapping[str, str]) -> Mapping[str, Reply]:
        """Give each run its letter, by `nightbook.runs.away.attempt.answer` on its worker, and bring the replies.

        Returns within a second or two; runs whose worker does not answer in time are left out.
        """

    def withdraw(self, run_id: str) -> None:
        """Forget an errand, and have it ended where it is carried out."""

    def close(self) -> None:
        """Withdraw what is left and go; where the client just dies, workers must notice and end what it asked for."""


if TYPE_CHECKING:
    ExecutorFactory = Callable[[Settings, str], Executor]
    """What an entry point names: opens the executor at an address, which is empty where the settings give none."""
