"""Runs within an IPython kernel: what it publishes waits until it is taken.

ZeroMQ drops what a subscriber does not take in time, without a word: on a busy machine a thousand prints are soon too
many. The runner executes this file's source silently before the first cell, so it needs only what the kernel needs.
"""

from __future__ import annotations

from typing import Any

import zmq


def publish_without_loss(kernel: Any) -> None:  # noqa: ANN401 - an `ipykernel.kernelbase.Kernel`, which this package does not need
    """Have the kernel's publishing socket wait instead of dropping; only its own thread may touch it."""
    thread = kernel.iopub_thread
    thread.schedule(lambda: thread.socket.setsockopt(zmq.XPUB_NODROP, 1))


if __name__ == "__main__":
    from ipykernel.kernelapp import IPKernelApp

    application: Any = IPKernelApp
    if application.initialized():
        publish_without_loss(application.instance().kernel)
