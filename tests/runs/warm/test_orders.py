from __future__ import annotations

import json
import os
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.warmth import open_descriptors

from nightbook.runs.warm.isolation import Surroundings
from nightbook.runs.warm.orders import Order, receive_order, send_order

OTHERS: dict[str, Any] = {"memory_bytes": 5, "limits": {"RLIMIT_CORE": -1, "RLIMIT_NOFILE": 9}, "processors": [0, 3]}


def order(**environment: str) -> Order:
    return Order(
        surroundings=Surroundings(environment=environment, working_directory="/", umask=0o77, **OTHERS),
        module="m",
        arguments=("a", "b"),
        containment="process_tree",
        modules=("numpy",),
        expected=("pandas", "scipy"),
    )


@pytest.mark.parametrize("value", ["", "Grüße", "\udcff no UTF-8", "long " * 400_000])
def test_an_order_arrives_as_it_was_given_with_its_descriptors(value: str) -> None:
    ours, theirs = socket.socketpair()
    given = order(VALUE=value)
    with ours, theirs, Path(os.devnull).open("rb") as file:
        sending = threading.Thread(target=send_order, args=(ours, given, [file.fileno()] * 4))
        sending.start()
        received = receive_order(theirs)
        sending.join()
        assert received is not None
        assert received.surroundings == given.surroundings
        assert (received.module, received.arguments, received.containment) == ("m", ("a", "b"), "process_tree")
        assert (received.modules, received.expected) == (("numpy",), ("pandas", "scipy"))
        assert len(set(received.descriptors)) == 4
        for descriptor in received.descriptors:
            assert os.path.samestat(os.fstat(descriptor), os.fstat(file.fileno()))
            os.close(descriptor)


def test_what_imports_have_set_lies_below_what_was_asked_for() -> None:
    changed = order(A="asked").with_changed({"A": "set", "B": "set"})
    assert changed.surroundings.environment == {"A": "asked"}
    assert changed.surroundings.changed_by_imports == {"A": "set", "B": "set"}
    assert changed.module == "m"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b"5",
        b"{}",
        json.dumps({"surroundings": {}}).encode(),
        json.dumps({"surroundings": {"environment": {}, "working_directory": "/"}, "modules": [5]}).encode(),
    ],
)
@pytest.mark.parametrize("more", [0, 1])
def test_what_makes_no_sense_is_no_order_and_leaves_no_descriptor_open(body: bytes, more: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Path(os.devnull).open("rb") as file:
        before = open_descriptors()
        # With one more announced it is half an order.
        socket.send_fds(ours, [struct.pack(">I", len(body) + more) + body], [file.fileno()] * 2)
        ours.shutdown(socket.SHUT_WR)
        assert receive_order(theirs) is None
        assert open_descriptors() == before


class Hasty(socket.socket):
    """A socket whose other end takes all and is gone before one can look."""

    other: socket.socket

    def sendmsg(self, *arguments: object) -> int:
        sent = super().sendmsg(*arguments)  # type: ignore[arg-type]  # as above
        self.other.recv(1 << 20)
        self.other.close()
        return sent


def test_a_fork_that_has_answered_and_let_go_is_not_taken_for_none() -> None:
    ours, theirs = socket.socketpair()
    with Hasty(fileno=ours.detach()) as hasty:
        hasty.other = theirs
        send_order(hasty, Order(surroundings=Surroundings(environment={}, working_directory="/")), ())


def test_who_says_nothing_in_time_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(0.01)
        ours.sendall(b"\0\0")
        assert receive_order(theirs) is None
