"""What a kernel has said and nobody has taken yet, where nbclient looks for it."""

from __future__ import annotations

import time
from collections import deque
from queue import Empty
from typing import TYPE_CHECKING, Any, Protocol

from nbclient.exceptions import DeadKernelError

from nightbook.errors import KernelError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Listener(Protocol):
    """Whoever hears the kernel."""

    is_ended: bool
    is_garbled: bool

    async def wait_for_news(self, timeout_seconds: float | None) -> None:
        """Return when something came, or the time is up."""

    def send(self, message: Mapping[str, Any]) -> str:
        """Say a message; returns its id."""


class ForkedChannel:
    """Takes the place of one of Jupyter's channels.

    Args:
        client: Whose it is.
    """

    def __init__(self, client: Listener) -> None:
        self._client = client
        self.messages: deque[dict[str, Any]] = deque()

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # noqa: ASYNC109 - jupyter_client's signature
        """The next message.

        Raises:
            Empty: None came in time.
            DeadKernelError: None will come.
            KernelError: None can be told from what a cell wrote between them.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.messages:
            if self._client.is_garbled:
                raise KernelError("the kernel cannot be understood since somebody wrote into its own socket")
            if self._client.is_ended:
                raise DeadKernelError("Kernel died")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Empty
            await self._client.wait_for_news(left)
        return self.messages.popleft()

    def send(self, message: Mapping[str, Any]) -> None:
        """Say a message to the kernel."""
        self._client.send(message)
