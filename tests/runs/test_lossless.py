"""Whatever ZeroMQ's queues hold, what a kernel publishes arrives (a real kernel: `end_to_end/test_outputs.py`)."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import zmq

from nightbook.runs.lossless import publish_without_loss

MESSAGES = 500


def test_a_publisher_waits_for_its_listener() -> None:
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher, context.socket(zmq.SUB) as listener:
        publisher.sndhwm = listener.rcvhwm = 5
        publisher.bind("inproc://iopub")
        listener.connect("inproc://iopub")
        listener.subscribe(b"")
        publisher.recv()

        iopub_thread = SimpleNamespace(socket=publisher, schedule=lambda call: call())
        publish_without_loss(SimpleNamespace(iopub_thread=iopub_thread))
        publish = threading.Thread(target=lambda: [publisher.send(b"%d" % number) for number in range(MESSAGES)])
        publish.start()
        heard = [int(listener.recv()) for _ in range(MESSAGES) if listener.poll(30_000)]
        publish.join()
    assert heard == list(range(MESSAGES))
