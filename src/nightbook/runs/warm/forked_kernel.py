"""A kernel in a forked process, as nbclient and papermill know kernels: a manager to start it, a client to ask it.

The client speaks frames over a socket where Jupyter's speaks ZeroMQ over five ports. Nothing that the kernel says is
dropped, and its end is known at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.session import Session
from nbclient.exceptions import DeadKernelError

from nightbook.errors import KernelError
from nightbook.runs.warm.channels import ForkedChannel
from nightbook.runs.warm.descriptors import is_readable
from nightbook.runs.warm.frames import FLUSH, MESSAGE, TEXT, FrameReader, FrameWriter, read_frame
from nightbook.runs.warm.keeper import INTERRUPT, KILL
from nightbook.runs.warm.printed import HeldText, TextReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.runs.warm.frames import Frame
    from nightbook.runs.warm.kernels import KernelEnds

CHUNK = 1 << 18
ANSWER_SECONDS = 60.0
GRACE_SECONDS = 3.0


class ForkedKernelClient:
    """Asks a kernel and hears it.

    Args:
        ends: Our ends of what connects us.

    Attributes:
        allow_stdin: Whether a cell may ask for input; always false in batch.
        replied_to: The id of the request that was answered last.
    """

    def __init__(self, ends: KernelEnds) -> None:
        self._ends = ends
        self.session = Session(key=b"unused")
        self.allow_stdin = False
        self.replied_to = ""
        self.shell_channel = ForkedChannel(self)
        self.iopub_channel = ForkedChannel(self)
        self.is_ended = self.is_garbled = False
        self._writer = FrameWriter(ends.messages)
        self._reader = FrameReader()
        self._parent: Mapping[str, Any] = {}
        self._texts = {"stdout": TextReader(ends.printed), "stderr": TextReader(ends.complained)}
        self._held = HeldText(self._publish_text)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()

    def start_channels(self) -> None:
        """They are there from the start."""

    def stop_channels(self) -> None:
        """What connected us is closed by the manager."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - jupyter_client's signature
        """It hears what is said to it as soon as it is ready: there is nothing to wait for."""

    def is_alive(self) -> bool:
        """Whether more can be heard."""
        return not self.is_ended

    def kernel_info(self) -> str:
        """Ask what it is; returns the request's id."""
        return self.send(self.session.msg("kernel_info_request"))

    def execute(
        self, code: str, *, silent: bool = False, store_history: bool = True, stop_on_error: bool = True
    ) -> str:
        """Ask it to execute some code; returns the request's id."""
        content = {
            "code": code,
            "silent": silent,
            "store_history": store_history,
            "user_expressions": {},
            "allow_stdin": self.allow_stdin,
            "stop_on_error": stop_on_error,
        }
        return self.send(self.session.msg("execute_request", content))

    def send(self, message: Mapping[str, Any]) -> str:
        """Say a message; returns its id. A kernel that is gone hears nothing."""
        said = {key: message[key] for key in ("header", "parent_header", "metadata", "content")}
        if message["header"]["msg_type"] == "execute_request":
            self._parent = message["header"]
        with suppress(OSError):
            self._ends.messages.settimeout(None)
            try:
                self._writer.write(MESSAGE, self.session.pack(said), *message.get("buffers", ()))
            finally:
                self._ends.messages.settimeout(0)
        return str(message["header"]["msg_id"])

    def ask(self, kind: bytes, wishes: Mapping[str, object]) -> str | None:
        """Ask between two cells for what is no message of Jupyter's; returns the answer, None when there is none."""
        self._ends.messages.settimeout(ANSWER_SECONDS)
        waiting, answer = list["Frame"](), None
        with suppress(OSError, ValueError):  # it is gone, or talks nonsense: whoever asks next learns of it
            self._writer.write(kind, json.dumps(wishes).encode())
            while (waiting or answer is None) and (frame := read_frame(self._ends.messages, self._reader, waiting)):
                if frame.kind == kind:
                    answer = frame.parts[0].decode()
                elif self._loop is not None:  # such as what an object says at its end
                    self._loop.call_soon(self._take, frame)
        self._ends.messages.settimeout(0)
        return answer

    async def next(self, *, within_seconds: float) -> dict[str, Any] | None:
        """The next thing published; None when nothing comes in time."""
        try:
            return await self.iopub_channel.get_msg(timeout=within_seconds)
        except Empty:
            return None
        except (DeadKernelError, KernelError):
            # Whoever waits for the reply learns of it, too, and it is theirs to say so.
            await asyncio.sleep(within_seconds)
            return None

    async def wait_for_news(self, timeout_seconds: float | None) -> None:
        """Return when something came, or the time is up."""
        self._listen_on(asyncio.get_running_loop())
        self._news.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), timeout_seconds)

    def _listen_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is loop or self.is_ended:
            return
        self._loop, self._news = loop, asyncio.Event()
        for stream in (self._ends.messages, self._ends.printed, self._ends.complained):
            os.set_blocking(stream if isinstance(stream, int) else stream.fileno(), False)
        loop.add_reader(self._ends.printed, self._hear_text)
        loop.add_reader(self._ends.complained, self._hear_text)
        loop.add_reader(self._ends.messages, self._hear)

    def _hear(self) -> None:
        try:
            chunk = self._ends.messages.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._hear_text(is_last=True)
            self.hear_no_more()
        try:
            for frame in self._reader.feed(chunk):
                self._take(frame)
        except (ValueError, KeyError):
            self.is_garbled = True
            self.hear_no_more()
        self._news.set()

    def _hear_text(self, *, is_last: bool = False) -> None:
        for name, decoder in self._texts.items():
            if text := decoder.read(is_last=is_last):
                self._held.add(name, text)
                # As ipykernel does: what comes from below Python stands in the run's log too.
                with suppress(OSError):
                    os.write(self._ends.log, text.encode("utf-8", "replace"))

    def _take(self, frame: Frame) -> None:
        if frame.kind == MESSAGE:
            self._take_message(frame)
            return
        name = frame.parts[0].decode()
        if frame.kind == TEXT:
            self._held.add(name, frame.parts[1].decode("utf-8", "replace"))
        elif frame.kind == FLUSH:
            self._held.show(name)

    def _take_message(self, frame: Frame) -> None:
        message: dict[str, Any] = self.session.unpack(frame.parts[0])
        message |= {key: message["header"][key] for key in ("msg_id", "msg_type")}
        message["buffers"] = [memoryview(part) for part in frame.parts[1:]]
        if message["msg_type"].endswith("_reply"):
            self.replied_to = str(message["parent_header"].get("msg_id"))
            self.shell_channel.messages.append(message)
            return
        if message["content"].get("execution_state") == "idle":
            # Nothing of the cell may come after its end.
            self._hear_text()
            self._held.show_all()
        self.iopub_channel.messages.append(message)

    def _publish_text(self, name: str, text: str) -> None:
        queue = self.iopub_channel.messages
        last = queue[-1] if queue else None
        if last is not None and last["msg_type"] == "stream" and last["content"]["name"] == name:
            last["content"]["text"] += text
        else:
            header = {"msg_id": "", "msg_type": "stream"}
            content = {"name": name, "text": text}
            queue.append({**_STREAM, "header": header, "parent_header": self._parent, "content": content})
        self._news.set()

    def close(self) -> None:
        """Listen no longer, and release what the client holds."""
        self.hear_no_more()
        self._writer.close()

    def hear_no_more(self) -> None:
        """Listen no longer; a second time does nothing."""
        if self._loop is not None and not self._loop.is_closed() and not self.is_ended:
            for stream in (self._ends.messages, self._ends.printed, self._ends.complained):
                self._loop.remove_reader(stream)
        self._held.show_all()
        self.is_ended = True


_STREAM = {"msg_type": "stream", "metadata": {}}


class ForkedKernelManager:
    """Starts a kernel and ends it.

    Args:
        ends: Our ends of what connects us with a kernel that is there already.
    """

    def __init__(self, ends: KernelEnds) -> None:
        self._ends = ends
        self.has_kernel = True
        self.kernel_id = str(ends.keeper_pid)
        self._client: ForkedKernelClient | None = None
        self._returncode: int | None = None
        self._said = b""

    def client(self) -> ForkedKernelClient:
        """Whom to ask."""
        self._client = ForkedKernelClient(self._ends)
        return self._client

    def is_alive(self) -> bool:
        """Whether it has not ended as far as is known."""
        return self.has_kernel and self.returncode(within_seconds=0) is None

    def returncode(self, *, within_seconds: float) -> int | None:
        """How the kernel ended, negative for a signal; None while that is not known."""
        deadline = time.monotonic() + within_seconds
        while self._returncode is None and (chunk := self._hear_keeper(deadline - time.monotonic())):
            self._said += chunk
            for line in self._said.split(b"\n")[:-1]:
                self._returncode = json.loads(line).get("returncode", self._returncode)
        return self._returncode

    def _hear_keeper(self, timeout_seconds: float) -> bytes:
        with suppress(OSError):
            if is_readable(self._ends.keeper.fileno(), max(0.0, timeout_seconds)):
                return self._ends.keeper.recv(4096)
        return b""

    def interrupt_kernel(self) -> None:
        """Interrupt the cell that runs."""
        self._tell(INTERRUPT)

    def signal_kernel(self, number: signal.Signals) -> None:
        """Interrupt the cell that runs, or end all of the kernel's processes; from any thread."""
        self._tell(INTERRUPT if number == signal.SIGINT else KILL)

    def publications(self, client: ForkedKernelClient) -> ForkedKernelClient:
        """What the kernel publishes."""
        return client

    def shutdown_kernel(self, *, now: bool = False) -> None:
        """End it: in good order, or at once; waits until all is gone."""
        with suppress(OSError):
            self._ends.messages.shutdown(socket.SHUT_RDWR)
        if now or self.returncode(within_seconds=GRACE_SECONDS) is None:
            self._tell(KILL)
            self.returncode(within_seconds=GRACE_SECONDS)
        self.has_kernel = False

    def cleanup_resources(self) -> None:
        """Close what connected us."""
        if self._client is not None:
            self._client.close()
        self._ends.close()

    def _tell(self, command: bytes) -> None:
        with suppress(OSError):
            self._ends.keeper.sendall(command)
