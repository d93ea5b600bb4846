"""A run's checkpoints, as its folder tells of them: forks of its kernel, from which another run can go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.files import file_state, write_atomically
from nightbook.runs.events import EventKind, EventReader
from nightbook.runs.request import CHECKPOINTS, EVENTS, Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nightbook.runs.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A fork of a kernel, left before a cell.

    Attributes:
        key: Names it, and its socket.
        position: The cell's place in the executed notebook.
        cell: The cell's index in the source notebook; None for the injected parameters.
        made_at: Seconds since the epoch.
        saves_seconds: What the cells took since the checkpoint before it.
        place: The circumstances of the warm parent that its kernel came from: what it was started with.
        modules: The state of each of the project's own modules that was loaded, by path.
        outputs: The state of each declared output that had been written, by path.
        ended: Why it is there no more; empty as long as nobody ended it.
    """

    key: str
    position: int
    cell: int | None
    made_at: float
    saves_seconds: float
    place: str
    modules: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no checkpoint before a cell, or before any (None)."""

    cell: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Where a run that was asked to go on from another's checkpoints began.

    Attributes:
        run_id: The run whose cells it took over; empty when it began from the start.
        label: The run's name, for people.
        cell: The first cell of its own, by the source notebook; None when all had been executed.
        reason: Where it began and why, in words.
    """

    run_id: str
    label: str
    cell: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """All that a run's folder tells of checkpoints.

    Attributes:
        made: Those that it left, in order, also those that ended since.
        refused: Before which cells there is none, and why.
        resumed: Where the run itself began, when it was to go on from another's.
    """

    made: tuple[Checkpoint, ...] = ()
    refused: tuple[Refusal, ...] = ()
    resumed: Resumed | None = None

    @property
    def left(self) -> tuple[Checkpoint, ...]:
        """Those that nobody ended, as far as the folder tells."""
        return tuple(one for one in self.made if not one.ended)

    def after(self, event: Event) -> Checkpoints:
        """What is known after one more event."""
        fields: Any = {**event.fields}
        match event.kind:
            case EventKind.CHECKPOINT:
                return replace(self, made=(*self.made, Checkpoint(**fields, made_at=event.at)))
            case EventKind.NO_CHECKPOINT:
                refusal = Refusal(**fields)
                return replace(self, refused=(*(one for one in self.refused if one != refusal), refusal))
            case EventKind.CHECKPOINT_ENDED:
                ended = (replace(one, ended=fields["reason"]) if one.key == fields["key"] else one for one in self.made)
                return replace(self, made=tuple(ended))
            case EventKind.RESUMED:
                return replace(self, resumed=Resumed(**fields))
        return self

    def write(self, folder: Path) -> None:
        """Leave it in the run's folder.

        Raises:
            StorageError: The disk is full.
        """
        write_atomically(folder / CHECKPOINTS, json.dumps(asdict(self), indent=1).encode())


NONE = Checkpoints()


def read_checkpoints(folder: Path) -> Checkpoints:
    """What a run's folder tells; nothing when it was never to have any."""
    try:
        words = json.loads((folder / CHECKPOINTS).read_text(encoding="utf-8"))
        return Checkpoints(
            made=tuple(Checkpoint(**one) for one in words["made"]),
            refused=tuple(Refusal(**one) for one in words["refused"]),
            resumed=Resumed(**words["resumed"]) if words["resumed"] else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return NONE


def checkpoints_of(events: Iterable[Event]) -> Checkpoints:
    """What the events tell."""
    known = NONE
    for event in events:
        known = known.after(event)
    return known


def with_origins(unfinished: Unfinished) -> Iterator[Unfinished]:
    """A run, then the one that it had gone on from, and so on."""
    seen = set[str]()
    while unfinished.run_id not in seen:
        seen.add(unfinished.run_id)
        yield unfinished
        before = read_checkpoints(Path(unfinished.folder)).resumed
        if before is None or not before.run_id:
            return
        folder = Path(unfinished.folder).parent / before.run_id
        unfinished = Unfinished(run_id=before.run_id, label=before.label, folder=str(folder))


def leave_checkpoints(folder: Path) -> None:
    """Write down what the events of a run tell whose supervisor is gone.

    Raises:
        StorageError: The disk is full.
    """
    known = checkpoints_of(EventReader.all_of(folder / EVENTS))
    if known != NONE:
        known.write(folder)


def least_useful(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The one without which the least has to be done again; the last one goes last."""
    return min(checkpoints[:-1] or checkpoints, key=lambda one: one.saves_seconds)


def state_of(path: Path) -> str:
    """Words that change whenever a file, or any file of a folder, is written; empty when there is nothing."""
    if not path.is_dir():
        return file_state(path)
    return " ".join(f"{one} {file_state(one)}" for one in sorted(path.rglob("*")) if one.is_file())
