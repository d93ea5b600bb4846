from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, code_order, failing_parent, open_descriptors, until

from nightbook.runs.warm.asking import ask, connect, introduced, try_to_connect
from nightbook.runs.warm.orders import RefusalError, introduce_yourself, refuse
from nightbook.runs.warm.places import KERNEL, Place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forks import Talk


@pytest.fixture
def place(warm: WarmFolder) -> Place:
    return place_of(KERNEL, os.environ)


def test_without_an_environment_no_parent_is_started(warm: WarmFolder, place: Place) -> None:
    assert connect(place, None) is None
    assert ask(place, code_order("pass"), (), None) is None
    assert list(warm.path.iterdir()) == []


def test_a_socket_whose_parent_is_gone_is_replaced(place: Place, fork: Callable[..., Talk]) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as gone:
        gone.bind(str(place.socket))
    assert try_to_connect(place) is None
    assert fork().run("print('here')") == "here\n"


def test_a_parent_that_is_killed_is_replaced_and_its_forks_live_on(warm: WarmFolder, fork: Callable[..., Talk]) -> None:
    first = fork()
    (parent,) = warm.parents(KERNEL)
    parent.kill()
    second = fork()
    until(lambda: [one.pid for one in warm.parents(KERNEL)] not in ([], [parent.pid]))
    assert [first.run("print(1)"), second.run("print(2)")] == ["1\n", "2\n"]


@pytest.mark.parametrize("said", [b"", b"nonsense\n", b'{"forked": 1', b'{"forked": 1}\n'])
def test_a_parent_that_fails_is_asked_again_and_then_no_more(place: Place, said: bytes) -> None:
    with failing_parent(place, said) as asked:
        before = open_descriptors()
        assert ask(place, code_order("pass"), (), None) is None
    assert len(asked) == 3
    assert open_descriptors() < before


def test_a_refusal_is_told_with_its_reason() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            refuse(theirs, "it would not do")
        with pytest.raises(RefusalError, match="it would not do"):
            introduced(ours)


def test_who_introduces_itself_is_known_by_the_system_and_hands_over_a_handle() -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    with ours, theirs:
        introduce_yourself(theirs)
        theirs.sendall(b"what a keeper says after it")
        forked = introduced(ours)
        assert forked is not None
        assert forked.pid == os.getpid()
        assert not select.select([forked.handle], [], [], 0)[0]
        os.close(forked.handle)
        assert ours.recv(100) == b"what a keeper says after it"
