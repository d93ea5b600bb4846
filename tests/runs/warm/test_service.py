from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.runs.warm.frames import TRUNK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs.warm.conftest import Talk


def test_a_kernel_serves_one_request_after_the_other(talk: Talk) -> None:
    assert talk.execute("n = 20").shown == []
    assert talk.execute("n + 1").shown == [("execute_result", "21")]


def test_a_kernel_that_may_not_become_a_trunk_stays_one_that_serves(talk: Talk) -> None:
    """It was not forked with what a trunk needs; it says nothing against it, and goes on."""
    talk.execute(
        "import threading\nthread = threading.Thread(target=threading.Event().wait, daemon=True)\nthread.start()"
    )
    assert "a thread lives" in str(talk.client.ask(TRUNK, {"seeded": []}))
    assert talk.execute("1 + 1").shown == [("execute_result", "2")]


def test_two_kernels_have_nothing_in_common(new_talk: Callable[..., Talk]) -> None:
    one, other = new_talk(), new_talk()
    one.execute("n = 1")
    assert other.execute("'n' in globals()").shown == [("execute_result", "False")]
