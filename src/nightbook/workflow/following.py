"""What a run printed, read from what it leaves on disk: afterwards, or while it goes on, from another terminal."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from nightbook.errors import RunNotFoundError
from nightbook.numbers import format_duration
from nightbook.records import RunKind
from nightbook.runs.changes import FollowedOutputs
from nightbook.runs.events import Event, EventKind, EventReader
from nightbook.runs.request import EVENTS, LOG, PREPARED
from nightbook.workflow.contact import open_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nightbook.records import Run
    from nightbook.settings import Settings

POLL_SECONDS = 0.2
LEDGER_SECONDS = 0.5
_SHOWING = frozenset({EventKind.OUTPUTS, EventKind.OUTPUTS_CHANGED, EventKind.CELL_ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    """Some text of a run.

    Attributes:
        run: Which run said it.
        heading: Where it belongs: `cell 3`, the log of the run's own processes, or the end of a part.
        text: What was printed since the last part under this heading; escape sequences for colour included.
    """

    run: Run
    heading: str
    text: str


def read_log(settings: Settings, reference: str) -> Iterator[LogPart]:
    """All that a run has printed so far; of a pipeline or sweep, one part after the other, with how each ended.

    Raises:
        RunNotFoundError: There is no such run, or its files are not on this machine.
    """
    with open_ledger(settings) as ledger:
        run = ledger.find(reference)
        parts = (run,) if run.kind is RunKind.STAGE else ledger.children(run.run_id)
    for one in parts:
        log = RunLog(settings.runs_folder, one)
        if not log.is_here and one.run_id == run.run_id:
            raise RunNotFoundError(f"the files of {one.label} are not here", remedy="ask on the machine that ran it")
        yield from log.news()
        yield from log.last_words(one, is_part=one.run_id != run.run_id)


def follow_log(settings: Settings, reference: str) -> Iterator[LogPart]:
    """The same while it goes on; ends when the run does.

    Raises:
        RunNotFoundError: There is no such run.
    """
    followed = FollowedRun(settings, reference)
    while True:
        yield from followed.ends()
        if followed.is_over:
            return
        next_question = time.monotonic() + LEDGER_SECONDS
        while time.monotonic() < next_question:
            yield from followed.news()
            time.sleep(POLL_SECONDS)


class FollowedRun:
    """A run that goes on, with its parts: each is looked at from its beginning to its end, however many there were.

    Args:
        settings: The project.
        reference: Which run.

    Raises:
        RunNotFoundError: There is no such run.
    """

    def __init__(self, settings: Settings, reference: str) -> None:
        self._settings = settings
        with open_ledger(settings) as ledger:
            self._run = ledger.find(reference)
        self._logs: dict[str, RunLog] = {}
        self._ended: set[str] = set()
        self._all_ended_up_to = 0

    @property
    def is_over(self) -> bool:
        """It has ended, as far as the ledger knew when it was asked last."""
        return self._run.status.is_final

    def news(self) -> Iterator[LogPart]:
        """What those that go on have shown since the last call."""
        for log in self._logs.values():
            yield from log.news()

    def ends(self) -> Iterator[LogPart]:
        """Ask the ledger who has begun and who has ended; all that was left to tell of those that have."""
        for one in self._ask():
            log = self._logs.setdefault(one.run_id, RunLog(self._settings.runs_folder, one))
            # Whoever was running when the whole ended, on a machine that is gone, is told of as far as it came.
            if one.status.is_final or self.is_over:
                yield from log.news()
                yield from log.last_words(one, is_part=one.run_id != self._run.run_id)
                del self._logs[one.run_id]
                self._ended.add(one.run_id)

    def _ask(self) -> tuple[Run, ...]:
        with open_ledger(self._settings) as ledger:
            self._run = ledger.get(self._run.run_id)
            if self._run.kind is RunKind.STAGE:
                return (self._run,)
            parts = ledger.children(self._run.run_id, after=self._all_ended_up_to)
        for one in takewhile(lambda one: one.run_id in self._ended, parts):
            self._all_ended_up_to = one.number
        return tuple(one for one in parts if one.run_id not in self._ended)


class RunLog:
    """One run's text, each part told once.

    Args:
        runs_folder: Where the runs' folders are.
        run: The run.
    """

    def __init__(self, runs_folder: Path, run: Run) -> None:
        self.run = run
        self.folder = runs_folder / run.run_id
        self._events = EventReader(self.folder / EVENTS)
        self._shown: dict[int, FollowedOutputs] = {}
        self._headings: dict[int, str] = {}

    @property
    def is_here(self) -> bool:
        """The run left files on this machine."""
        return self.folder.is_dir()

    def news(self) -> Iterator[LogPart]:
        """What cells have shown since the last call."""
        for event in self._events.read():
            if event.kind in _SHOWING and (fresh := self._fresh(event)):
                yield LogPart(run=self.run, heading=self._heading(event.position), text=fresh)

    def last_words(self, run: Run, *, is_part: bool) -> Iterator[LogPart]:
        """What runner and kernel said outside any cell; of a part that has ended, how."""
        path = self.folder / LOG
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if text.strip():
            yield LogPart(run=self.run, heading="log of the kernel and its runner", text=text)
        if is_part and run.status.is_final:
            took = f" in {format_duration(run.duration_seconds)}" if run.duration_seconds is not None else ""
            message = f": {run.message}" if run.message else ""
            yield LogPart(run=self.run, heading="end", text=f"{run.status.value}{took}{message}\n")

    def _fresh(self, event: Event) -> str:
        """The part of a cell's text that was not told; what stands in place of something told begins a line."""
        news = self._shown.setdefault(event.position, FollowedOutputs()).take(event)
        texts = [(_text_of_output(output), is_replaced) for output, is_replaced in news]
        return "".join(f"\n{text}" if is_replaced and text else text for text, is_replaced in texts)

    def _heading(self, position: int) -> str:
        if not self._headings:
            self._headings = _headings(self.folder / PREPARED)
        return self._headings.get(position, f"cell {position}")


def text_of_outputs(outputs: object) -> str:
    """What a terminal can show of a cell's outputs; pictures and the like are named."""
    if not isinstance(outputs, list):
        return ""
    return "".join(_text_of_output(one) for one in outputs if isinstance(one, dict))


def _text_of_output(output: Mapping[str, object]) -> str:
    kind = output.get("output_type")
    if kind == "stream":
        return _joined(output.get("text"))
    if kind == "error":
        traceback = output.get("traceback")
        lines = traceback if isinstance(traceback, list) else []
        lines = lines or [f"{output.get('ename')}: {output.get('evalue')}"]
        return "".join(f"{line}\n" for line in lines)
    bundle = output.get("data")
    if not isinstance(bundle, dict):
        return ""
    if "text/plain" in bundle:
        return f"{_joined(bundle['text/plain'])}\n"
    return f"[{', '.join(map(str, bundle))}]\n"


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")


def _headings(prepared: Path) -> dict[int, str]:
    """Cells are counted as in the source notebook, which lacks the injected parameters."""
    if not prepared.exists():
        return {}
    found: dict[int, str] = {}
    index = 0
    for position, cell in enumerate(json.loads(prepared.read_text(encoding="utf-8"))["cells"]):
        is_injected = "injected-parameters" in cell.get("metadata", {}).get("tags", [])
        found[position] = "injected parameters" if is_injected else f"cell {index}"
        index += 0 if is_injected else 1
    return found
