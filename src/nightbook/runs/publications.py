"""What a kernel publishes, taken in as fast as it comes: what nobody takes in time, ZeroMQ drops without a word."""

from __future__ import annotations

import asyncio
import math
import time
from queue import Empty
from typing import Any

from nbclient.util import ensure_async

MESSAGES_AT_ONCE = 200
LOOK_SECONDS = 0.5


class Publications:
    """A kernel's messages, and which request it has replied to.

    Args:
        client: A started kernel client of nbclient's, asynchronous.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - jupyter_client types the synchronous one
        self.replied_to = ""
        self._channel = client.iopub_channel
        self._session = client.session
        self._taken = 0
        self._note_replies(client.shell_channel)

    async def next(self, *, within_seconds: float) -> dict[str, Any] | None:
        """The next message; None when none comes in time."""
        self._taken += 1
        if self._taken % MESSAGES_AT_ONCE == 0:
            # A flood must not keep the reply, or the news of the kernel's death, from being heard.
            await asyncio.sleep(0)
        message: dict[str, Any] | None
        # Without asyncio's ceremony, which costs more than the message itself, as long as one is there.
        _, message = self._session.recv(self._channel.socket)
        if message is not None:
            return message
        try:
            message = await ensure_async(self._channel.get_msg(timeout=within_seconds))
        except Empty:
            return None
        return message

    def _note_replies(self, channel: Any) -> None:  # noqa: ANN401 - as above
        receive = channel.get_msg

        async def receive_and_note(timeout: float | None = None) -> dict[str, Any]:  # noqa: ASYNC109 - jupyter_client's signature
            deadline = math.inf if timeout is None else time.monotonic() + timeout
            while True:
                # A reply that comes in while an Output widget is told something makes no event: it is looked for.
                left = deadline - time.monotonic()
                try:
                    message: dict[str, Any] = await ensure_async(receive(timeout=max(0, min(left, LOOK_SECONDS))))
                except Empty:
                    if left <= LOOK_SECONDS:
                        raise
                    continue
                self.replied_to = str(message["parent_header"].get("msg_id"))
                return message

        channel.get_msg = receive_and_note
