from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.session import Session

from nightbook.runs.publications import Publications


class Channel:
    """A channel whose messages come from a real socket."""

    def __init__(self, socket: zmq.Socket[bytes], session: Session) -> None:
        self.socket = socket
        self._session = session

    async def get_msg(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - jupyter_client's own signature
        self.socket.poll(int(timeout * 1000))
        return self._session.recv(self.socket)[1] or {"parent_header": {"msg_id": "none"}}


def test_messages_come_in_order_and_replies_are_noted() -> None:
    with zmq.Context() as context, context.socket(zmq.PAIR) as kernel, context.socket(zmq.PAIR) as ours:
        ours.bind("inproc://iopub")
        kernel.connect("inproc://iopub")
        session = Session(key=b"")
        shell = SimpleNamespace(get_msg=None)

        async def reply(timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - as above
            del timeout
            return {"parent_header": {"msg_id": "asked"}}

        shell.get_msg = reply
        client = SimpleNamespace(iopub_channel=Channel(ours, session), session=session, shell_channel=shell)
        publications = Publications(client)
        for number in range(3):
            session.send(kernel, "stream", content={"text": str(number)})

        async def take() -> list[str]:
            taken = [await publications.next(within_seconds=5) for _ in range(3)]
            await shell.get_msg()
            return [message["content"]["text"] for message in taken if message]

        # In a thread of its own: playwright's fixtures leave an event loop at work in this one.
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: asyncio.run(take())).result() == ["0", "1", "2"]
        assert publications.replied_to == "asked"


def test_a_reply_that_comes_in_while_something_is_sent_is_heard() -> None:
    async def ask() -> str:
        with zmq.asyncio.Context() as context, context.socket(zmq.PAIR) as ours:
            port = ours.bind_to_random_port("tcp://127.0.0.1")
            session = Session(key=b"")
            shell = AsyncZMQSocketChannel(ours, session)
            client = SimpleNamespace(iopub_channel=shell, session=session, shell_channel=shell)
            publications = Publications(client)
            with zmq.Context() as other, other.socket(zmq.PAIR) as kernel:
                kernel.connect(f"tcp://127.0.0.1:{port}")
                waiting = asyncio.create_task(shell.get_msg())
                await asyncio.sleep(0)
                session.send(kernel, "execute_reply", parent={"msg_id": "asked"})
                # What sending on the same socket does besides: the event of the reply is taken, and asyncio not told.
                assert zmq.Socket.shadow(ours.underlying).poll(10_000)
                await asyncio.wait_for(waiting, 60)
            return publications.replied_to

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(ask())).result() == "asked"
