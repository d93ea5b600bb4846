"""A kernel's process: it ends together with the runner, and nobody waits for it longer than it takes."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from queue import Empty
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.win_interrupt import send_interrupt
from nbclient.util import ensure_async

from nightbook.runs.census import descendants, kill_all
from nightbook.runs.containment import die_with_parent
from nightbook.runs.publications import Publications
from nightbook.systems import IS_WINDOWS

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

REPLY_SECONDS = 1.0
PUBLICATION_SECONDS = 0.2
END_POLL_SECONDS = 0.01
RECONNECT_MILLISECONDS = 10
QUEUE_MESSAGES = 20_000
LONGEST_SOCKET_PATH = 100
"""Bytes that macOS takes, less those of a socket's number; Linux takes four more."""


class PromptKernelClient(AsyncKernelClient):
    """Is ready as soon as the kernel is: Jupyter's own listens on for a fifth of a second after that."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - jupyter_client's signature
        """Return when the kernel replies and what it publishes arrives.

        Raises:
            RuntimeError: It died, or did not get there in time.
        """
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while time.monotonic() < deadline:
            self.kernel_info()
            if await self._is_heard():
                return
            if not await self._async_is_alive():
                message = "it died before it was ready"
                raise RuntimeError(message)
        message = f"it was not ready within {timeout} s"
        raise RuntimeError(message)

    async def _is_heard(self) -> bool:
        try:
            reply: dict[str, Any] = await ensure_async(self.shell_channel.get_msg(timeout=REPLY_SECONDS))
            if reply["msg_type"] != "kernel_info_reply":
                return False
            await ensure_async(self.iopub_channel.get_msg(timeout=PUBLICATION_SECONDS))
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


class PromptKernelManager(AsyncKernelManager):
    """Starts kernels that the operating system ends together with the runner; notices at once when they have ended."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - traits
        super().__init__(**{"client_class": f"{__name__}.{PromptKernelClient.__name__}", **options})
        # What nobody takes in time, ZeroMQ drops without a word.
        self.context.rcvhwm = QUEUE_MESSAGES
        # A client that was there before the kernel's sockets tries again this often.
        self.context.reconnect_ivl = RECONNECT_MILLISECONDS

    def listen_in(self, folder: Path) -> None:
        """Have the kernel listen on sockets in a new folder that is closed to others, where it can.

        Whoever may use this machine may connect to a TCP port, and hear all that a kernel publishes. Windows, and
        kernels of other languages, know TCP only: there it is encrypted, where jupyter_client and the kernel can.
        """
        place = folder / "kernel"
        is_python = self.kernel_spec is not None and self.kernel_spec.language == "python"
        if is_python and len(os.fsencode(place)) < LONGEST_SOCKET_PATH and not IS_WINDOWS:
            folder.mkdir(mode=0o700)
            self.transport, self.ip = "ipc", str(place)
        elif self.has_trait("transport_encryption"):
            self.transport_encryption = "auto"

    def publications(self, client: PromptKernelClient) -> Publications:
        """What the kernel publishes."""
        return Publications(client)

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the kernel and what its cells started; Windows has an interrupt of the kernel, and the end.

        Raises:
            OSError: There is no such process any more.
        """
        process = cast("Any", self.provisioner)
        if sys.platform != "win32":
            os.killpg(process.pid, number)
        elif number == signal.SIGINT:
            send_interrupt(process.process.win32_interrupt_event)
        else:
            kill_all(descendants(process.pid))
            process.process.kill()

    def returncode(self, *, within_seconds: float) -> int | None:
        """How the kernel ended, negative for a signal; None when that is not known."""
        process = getattr(self.provisioner, "process", None)
        deadline = time.monotonic() + within_seconds
        while process is not None and process.poll() is None and time.monotonic() < deadline:
            time.sleep(END_POLL_SECONDS)
        return process.poll() if process is not None else None

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The kernel's command."""
        return die_with_parent(super().format_kernel_cmd(extra_arguments))

    def _async_wait(self, pollinterval: float = END_POLL_SECONDS) -> Coroutine[Any, Any, None]:
        return super()._async_wait(min(pollinterval, END_POLL_SECONDS))
