from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.runs.changes import FollowedOutputs, OutputNews, changes_between
from nightbook.runs.events import Event, EventKind
from nightbook.runs.outputs import CellOutputs

if TYPE_CHECKING:
    from nightbook.runs.journal import Journal

MEGABYTE = 1_000_000


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def displayed(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}


def changed(before: list[Any], after: list[Any]) -> Event:
    changes = [{"index": one.index, "kept": one.kept, "output": one.output} for one in changes_between(before, after)]
    fields = {"position": 0, "count": len(after), "changes": changes}
    return Event(kind=EventKind.OUTPUTS_CHANGED, at=1.0, fields=fields)


class Told(list[Event]):
    """A journal that keeps what it is told."""

    def tell(self, kind: EventKind, **fields: object) -> None:
        self.append(Event(kind=kind, at=1.0, fields=json.loads(json.dumps(fields))))

    @property
    def size(self) -> int:
        return len(str([event.fields for event in self]))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("nightbook.runs.changes.time.monotonic", lambda: now[0])
    return now


def look(clock: list[float], news: OutputNews, outputs: CellOutputs) -> None:
    clock[0] += 1
    news.tell(0, outputs)


texts = st.text(st.sampled_from("ab\n"), max_size=8)
streams = st.builds(printed, texts, st.sampled_from(["stdout", "stderr"]))
shown = st.lists(st.one_of(streams, st.builds(displayed, texts)), max_size=3)


@given(st.lists(shown, max_size=5))
def test_who_follows_the_changes_has_what_is_shown(states: list[list[Any]]) -> None:
    followed = FollowedOutputs()
    before: list[Any] = []
    for after in states:
        followed.take(changed(before, after))
        assert followed.outputs == after
        before = after


def test_text_that_was_appended_is_all_that_is_told() -> None:
    grown = changes_between([printed("a\n"), printed("e", "stderr")], [printed("a\nb\n"), printed("ef", "stderr")])
    assert [(one.index, one.kept, one.output["text"]) for one in grown] == [(0, 2, "b\n"), (1, 1, "f")]


def test_a_line_that_was_written_again_is_told_from_its_beginning() -> None:
    (one,) = changes_between([printed("loading\n 10 %")], [printed("loading\n 20 %")])
    assert (one.kept, one.output["text"]) == (len("loading\n"), " 20 %")


def test_who_follows_learns_what_is_new_and_what_stands_in_place_of_something() -> None:
    followed = FollowedOutputs()
    assert followed.take(changed([], [printed("1\n")])) == [(printed("1\n"), False)]
    assert followed.take(changed([printed("1\n")], [printed("1\n2")])) == [(printed("2"), False)]
    assert followed.take(changed([printed("1\n2")], [printed("1\n3")])) == [(printed("3"), True)]
    ended = Event(kind=EventKind.CELL_ENDED, at=1.0, fields={"position": 0, "outputs": [printed("1\n34")]})
    assert followed.take(ended) == [(printed("4"), False)]
    assert followed.outputs == [printed("1\n34")]


def test_outputs_that_were_cleared_are_gone_for_who_follows() -> None:
    followed = FollowedOutputs()
    followed.take(changed([], [displayed("a"), displayed("b")]))
    assert followed.take(changed([displayed("a"), displayed("b")], [])) == []
    assert followed.outputs == []


def test_what_is_told_of_a_long_output_is_as_long_as_the_output(clock: list[float]) -> None:
    journal = Told()
    news = OutputNews(_as_journal(journal))
    outputs = CellOutputs([], 10 * MEGABYTE)
    for _ in range(100):
        for name in ("stdout", "stderr"):
            outputs.add_stream(name, "x" * 9_999 + "\n")
            news.heard("x" * 10_000)
        look(clock, news, outputs)
    assert not news.is_pending
    assert 2 * MEGABYTE < journal.size < 2.3 * MEGABYTE


def test_what_is_shown_anew_again_and_again_is_told_about_as_fast_as_it_comes(clock: list[float]) -> None:
    journal, kept = Told(), list[Any]()
    news = OutputNews(_as_journal(journal))
    outputs = CellOutputs(kept, 1_000)
    # Over the limit the beginning and the last 20,000 characters are shown: with each line another text.
    for number in range(2_000):
        outputs.add_stream("stdout", f"line {number:94}\n")
        news.heard("x" * 100)
        look(clock, news, outputs)
    # All that was shown, each time, would be forty megabytes.
    assert journal.size < 2 * MEGABYTE
    while news.is_pending:
        look(clock, news, outputs)
    followed = FollowedOutputs()
    for event in journal:
        if event.kind is EventKind.OUTPUTS_CHANGED:
            followed.take(event)
    assert followed.outputs == outputs.shown()


def test_a_moment_after_something_was_told_nothing_is(clock: list[float]) -> None:
    journal = Told()
    news = OutputNews(_as_journal(journal))
    outputs = CellOutputs([], MEGABYTE)
    outputs.add_stream("stdout", "one")
    look(clock, news, outputs)
    outputs.add_stream("stdout", " more")
    news.heard(" more")
    news.tell(0, outputs)
    assert [event.fields.get("line") for event in journal] == ["one", None]
    assert news.is_pending
    look(clock, news, outputs)
    assert [event.fields.get("line") for event in journal[2:]] == ["one more", None]


def _as_journal(told: Told) -> Journal:
    return told  # type: ignore[return-value] # as far as the news need one
