from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import ExecutorError
from nightbook.plugins.executors import Errand, Reply, Stand
from nightbook.records import Cause, Run, RunStatus
from nightbook.runs.away.answer import Answer, Letter, News
from nightbook.runs.away.fleet import Fleet
from nightbook.runs.away.luggage import Packer
from nightbook.runs.facts import Outcome
from nightbook.runs.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.runs.away.conftest import Traveller

    from nightbook.runs.away.live import AwayRun

PATIENCE_SECONDS = 60


@dataclass
class Script:
    """An executor that says what a test tells it to, to each letter, the last word again and again."""

    words: list[Reply | Exception] = field(default_factory=list)
    sent: list[Errand] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    is_closed: bool = False

    def capacity(self) -> int:
        return 3

    def send(self, errand: Errand) -> None:
        self.sent.append(errand)

    def exchange(self, letters: Mapping[str, str]) -> Mapping[str, Reply]:
        self.letters += map(Letter.from_json, letters.values())
        word = self.words.pop(0) if len(self.words) > 1 else self.words[0]
        if isinstance(word, Exception):
            raise word
        return dict.fromkeys(letters, word)

    def withdraw(self, run_id: str) -> None:
        self.withdrawn.append(run_id)

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Scene:
    """A fleet with one run, and what became of it."""

    fleet: Fleet
    ledger: Ledger
    traveller: Traveller

    def begin(self) -> AwayRun:
        return self.fleet.begin(self.traveller.run, self.traveller.request, self.traveller.stage)

    def end(self, live: AwayRun) -> Run:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not live.is_ended:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.ledger.get(live.run.run_id)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def scene(traveller: Callable[..., Traveller], script: Script) -> Iterator[Scene]:
    one = traveller()
    with Ledger.open(one.settings.ledger) as ledger:
        fleet = Fleet(ledger, lambda: script, Packer(one.settings), heartbeat_seconds=0.1)
        yield Scene(fleet, ledger, one)
        fleet.close()
    assert script.is_closed or not script.sent


def away(attempt: str, worker: str = "tcp://w") -> Reply:
    return Reply(stand=Stand.AWAY, text=News(attempt=attempt, worker=worker, began_at=time.time()).to_json())


def over(status: RunStatus) -> Reply:
    outcome = Outcome(status=status, duration_seconds=1.0)
    return Reply(
        stand=Stand.OVER,
        text=Answer(attempt="a", worker="tcp://w", began_at=time.time(), outcome=outcome).to_json(),
    )


WAITING = Reply(stand=Stand.WAITING)


def test_what_a_worker_found_is_recorded(scene: Scene, script: Script) -> None:
    script.words = [WAITING, away("a"), over(RunStatus.SUCCEEDED)]
    run = scene.end(scene.begin())
    assert (run.status, run.duration_seconds) == (RunStatus.SUCCEEDED, 1.0)
    assert [errand.label for errand in script.sent] == ["copy-ab"]
    assert scene.fleet.capacity() == 3


def test_a_run_that_ended_before_anybody_asked_has_begun_all_the_same(scene: Scene, script: Script) -> None:
    script.words = [over(RunStatus.SUCCEEDED)]
    run = scene.end(scene.begin())
    assert run.status is RunStatus.SUCCEEDED
    assert run.started_at is not None


def test_two_deaths_are_borne_and_said(scene: Scene, script: Script) -> None:
    script.words = [away("a", "one"), away("b", "two"), away("c", "three"), over(RunStatus.SUCCEEDED)]
    run = scene.end(scene.begin())
    assert run.status is RunStatus.SUCCEEDED
    assert run.message == "begun again elsewhere after the death of one, two"


def test_a_third_death_is_the_end(scene: Scene, script: Script) -> None:
    script.words = [away(name, name) for name in ("a", "b", "c", "d")]
    run = scene.end(scene.begin())
    assert (run.status, run.cause) == (RunStatus.FAILED, Cause.LOST)
    assert run.message.startswith("3 workers died while they were at it")
    assert script.withdrawn == [run.run_id]


def test_what_the_executor_gives_up_has_failed_and_says_why(scene: Scene, script: Script) -> None:
    script.words = [Reply(stand=Stand.LOST, text="no worker has enough memory")]
    run = scene.end(scene.begin())
    assert (run.status, run.cause, run.message) == (RunStatus.FAILED, Cause.LOST, "no worker has enough memory")


def test_who_is_cancelled_before_a_worker_has_it_is_withdrawn(scene: Scene, script: Script) -> None:
    script.words = [WAITING]
    live = scene.begin()
    live.cancel()
    run = scene.end(live)
    assert (run.status, run.cause) == (RunStatus.CANCELLED, Cause.INTERRUPTED)
    assert script.withdrawn == [run.run_id]


def test_who_is_cancelled_on_a_worker_is_told_and_waited_for(scene: Scene, script: Script) -> None:
    script.words = [away("a"), away("a"), away("a"), over(RunStatus.CANCELLED)]
    live = scene.begin()
    live.cancel()
    assert scene.end(live).status is RunStatus.CANCELLED
    assert script.withdrawn == []
    assert script.letters[-1].wish == "cancel"


def test_a_worker_that_stays_silent_after_a_cancellation_is_not_waited_for_for_ever(
    scene: Scene, script: Script
) -> None:
    script.words = [away("a"), WAITING]
    live = scene.begin()
    live.cancel()
    run = scene.end(live)
    assert run.message == "interrupted while its worker was silent"


def test_what_cannot_be_sent_has_failed_and_says_why(scene: Scene, script: Script) -> None:
    (scene.traveller.settings.root / "big.bin").write_bytes(b"x" * 200)
    scene.fleet._packer._settings = replace(scene.traveller.settings, archive_limit_bytes=100)
    script.words = [WAITING]
    run = scene.end(scene.begin())
    assert run.status is RunStatus.FAILED
    assert "it could not be sent to a worker: the project's files come to" in run.message
    assert script.sent == []


def test_a_run_that_somebody_else_has_ended_is_ended_on_its_worker(scene: Scene, script: Script) -> None:
    script.words = [away("a")]
    live = scene.begin()
    scene.ledger.finish(live.run.run_id, Outcome(status=RunStatus.LOST, cause=Cause.LOST))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(letter.wish == "kill" for letter in script.letters):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    script.words = [over(RunStatus.CANCELLED)]
    assert scene.end(live).status is RunStatus.LOST


def test_a_disk_that_takes_nothing_keeps_no_run_from_its_end(scene: Scene, script: Script) -> None:
    script.words = [away("a"), away("a"), over(RunStatus.SUCCEEDED)]
    live = scene.begin()
    while not script.sent:
        time.sleep(0.01)
    shutil.rmtree(live.folder)
    live.folder.write_text("in the way")
    assert scene.end(live).status is RunStatus.SUCCEEDED


def test_a_fault_of_the_machinery_ends_the_runs_and_is_not_hidden(
    traveller: Callable[..., Traveller], script: Script
) -> None:
    one = traveller()
    script.words = [ExecutorError("nothing foreseen")]
    with Ledger.open(one.settings.ledger) as ledger:
        fleet = Fleet(ledger, lambda: script, Packer(one.settings), heartbeat_seconds=0.1)
        scene = Scene(fleet, ledger, one)
        assert not scene.end(scene.begin()).status.is_final
        with pytest.raises(ExecutorError, match="nothing foreseen"):
            fleet.close()
    assert script.is_closed
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("carrier", "fleet"))]
