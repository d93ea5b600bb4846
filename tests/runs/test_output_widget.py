from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from nightbook.runs.output_widget import BoundedOutputWidget
from nightbook.runs.outputs import CellOutputs


def widget() -> tuple[BoundedOutputWidget, list[Any], dict[str, Any]]:
    told: list[Any] = []
    state: dict[str, Any] = {"w": {}}
    executor = SimpleNamespace(widget_state=state, register_output_hook=print, remove_output_hook=print)
    client: Any = SimpleNamespace()
    made = BoundedOutputWidget("w", {"outputs": []}, client, executor, bound=lambda outs: CellOutputs(outs, 100))
    made.send = lambda data=None, **_: told.append(data)  # type: ignore[method-assign]  # no kernel listens
    return made, told, state


def stream(text: str) -> dict[str, Any]:
    return {"msg_type": "stream", "content": {"name": "stdout", "text": text}, "parent_header": {"msg_id": "m"}}


def test_what_is_printed_into_it_is_one_stream_and_told_once() -> None:
    made, told, state = widget()
    for text in ("a\n", "b\n"):
        made.output([], stream(text), None, 0)
    assert told == []
    made.settle()
    made.settle()
    assert len(told) == 1
    assert [one["text"] for one in state["w"]["outputs"]] == ["a\nb\n"]


def test_a_flood_stays_within_the_limit() -> None:
    made, _, state = widget()
    for _ in range(1000):
        made.output([], stream("x" * 100), None, 0)
    made.settle()
    assert sum(len(str(one)) for one in state["w"]["outputs"]) < 30_000


def test_what_is_cleared_is_gone() -> None:
    made, _, state = widget()
    made.output([], stream("old"), None, 0)
    made.clear_output([], {"content": {"wait": True}, "parent_header": {}}, 0)
    made.output([], stream("new"), None, 0)
    made.settle()
    assert [one["text"] for one in state["w"]["outputs"]] == ["new"]
