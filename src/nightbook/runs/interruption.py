"""The runner's ear: what the supervisor says through the runner's standard input."""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from nightbook.runs.census import RUN_VARIABLE, end_processes_of, reap_orphans
from nightbook.runs.pipes import incoming_orders
from nightbook.systems import KILL

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.runs.pipes import Incoming


class Interruption:
    """`interrupt` reaches the kernel; when the supervisor dies, however it dies, the pipe closes and all ends.

    Attributes:
        signal_kernel: Sends a signal to the kernel and what its cells started, once there is a kernel.
        kernel_pid: The kernel's process, where it is our child.
        is_requested: No further cell shall begin.
    """

    signal_kernel: Callable[[signal.Signals], None] | None = None
    kernel_pid: int | None = None
    is_requested = False
    _is_ending = False
    _thread: threading.Thread | None = None

    @classmethod
    def listen(cls) -> None:
        """Listen from a thread: the main one is busy with the notebook."""
        cls._thread = threading.Thread(target=cls._serve, args=(incoming_orders(),), daemon=True)
        cls._thread.start()

    @classmethod
    def await_end(cls) -> None:
        """Return at once, unless the listener ends everything: this process must not be gone before that is done."""
        if cls._is_ending and cls._thread is not None:
            cls._thread.join()

    @classmethod
    def _serve(cls, orders: Incoming) -> None:
        while (command := cls._next_command(orders)) is not None:
            if b"interrupt" in command:
                cls.is_requested = True
                cls._signal_kernel(signal.SIGINT)
        cls._is_ending = True
        cls._signal_kernel(KILL)
        # The supervisor would have ended what the cells started: now it falls to us, the last of ours alive.
        end_processes_of(os.environ[RUN_VARIABLE], below=os.getpid(), spare=[os.getpid()])
        os._exit(1)

    @classmethod
    def _next_command(cls, orders: Incoming) -> bytes | None:
        """What was said within a second; None at the end of the pipe."""
        ready, _, _ = select.select([orders], [], [], 1.0)
        command = orders.read() if ready else None
        if command is not None:
            return command or None
        if cls.kernel_pid is not None:
            # In a PID namespace this process is what init is elsewhere.
            reap_orphans(spare=cls.kernel_pid)
        return b""

    @classmethod
    def _signal_kernel(cls, number: signal.Signals) -> None:
        if cls.signal_kernel is not None:
            with suppress(OSError):
                cls.signal_kernel(number)
