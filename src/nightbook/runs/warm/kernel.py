"""An IPython kernel that speaks over a socket of its own instead of ZeroMQ's: no ports, no threads.

It is ipykernel's own application and kernel; only what carries its messages is ours. It runs in a process that was
forked from a warm parent. What Jupyter's kernel keeps threads for is not needed by one client that waits: there is
nobody to ping, and no second request while a cell runs.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipykernel_launcher
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
from jupyter_client.session import Session
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.utils.importstring import import_item

from nightbook.runs.warm.frames import MESSAGE, TEXT, FrameReader, FrameWriter, read_frame

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from nightbook.runs.warm.frames import Frame

PUBLISHED = "published"
"""Stands for the socket on which Jupyter's kernels publish: everything goes the same way here."""
MOST_AT_ONCE = 4096
"""Characters: at most as many bytes as the operating system takes whole or not at all."""
NO_HISTORY = "--HistoryManager.enabled=False"


class PipeSession(Session):  # type: ignore[misc]  # traitlets' metaclass
    """Sends messages as frames.

    Messages that come in are dicts already, so there is nothing to take apart.
    """

    writer = AnyTrait()
    has_replied = AnyTrait(default_value=False)

    def send(  # noqa: PLR0913 - jupyter_client's signature
        self,
        stream: object,
        msg_or_type: Any,  # noqa: ANN401 - as above
        content: Any = None,  # noqa: ANN401 - as above
        parent: Any = None,  # noqa: ANN401 - as above
        ident: object = None,
        buffers: Any = None,  # noqa: ANN401 - as above
        track: bool = False,  # noqa: FBT001, FBT002 - as above
        header: Any = None,  # noqa: ANN401 - as above
        metadata: Any = None,  # noqa: ANN401 - as above
    ) -> dict[str, Any]:
        """Say a message; returns it. A process that a cell forked may only print, as with Jupyter."""
        del stream, ident, track
        if isinstance(msg_or_type, dict):
            message: dict[str, Any] = msg_or_type
            buffers = buffers or message.get("buffers", [])
        else:
            message = self.msg(msg_or_type, content=content, parent=parent, header=header, metadata=metadata)
        said = {key: message[key] for key in ("header", "parent_header", "metadata", "content")}
        self.has_replied |= message["header"]["msg_type"].endswith("_reply")
        if os.getpid() == self.pid:
            self.writer.write(MESSAGE, self.pack(said), *(memoryview(one) for one in buffers or ()))
        return message

    def feed_identities(self, message: Any, copy: bool = True) -> tuple[list[bytes], Any]:  # noqa: ANN401, FBT001, FBT002 - as above
        """There is one client, which needs no identity."""
        del copy
        return [], message

    def deserialize(self, message: Any, content: bool = True, copy: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - as above
        """It is a message already."""
        del content, copy
        return message


class PrintedText(io.TextIOBase):
    """Takes the place of `sys.stdout` or `sys.stderr`: what is printed is said at once.

    Args:
        name: `stdout` or `stderr`.
        writer: Carries it.
        descriptor: Where those who ask for a file descriptor write: the run's log.
    """

    encoding = "UTF-8"  # type: ignore[assignment]
    errors = None

    def __init__(self, name: str, writer: FrameWriter, descriptor: int) -> None:
        super().__init__()
        self.name = f"<{name}>"
        self._name = name.encode()
        self._writer = writer
        self._descriptor = descriptor
        self._pid = os.getpid()

    def write(self, text: str) -> int:
        """Say it.

        Raises:
            TypeError: It is no text.
        """
        if not isinstance(text, str):
            message = f"write() argument must be str, not {type(text)}"
            raise TypeError(message)
        # A process that a cell forked may be killed while it prints: what goes at once is never cut in two.
        most = max(1, len(text)) if os.getpid() == self._pid else MOST_AT_ONCE
        for start in range(0, len(text), most):
            self._writer.write(TEXT, self._name, text[start : start + most].encode("utf-8", "surrogatepass"))
        return len(text)

    def writable(self) -> bool:
        """Always."""
        return True

    def isatty(self) -> bool:
        """Nobody types here."""
        return False

    def fileno(self) -> int:
        """A descriptor of the run's log."""
        return self._descriptor


class PipeKernel(IPythonKernel):  # type: ignore[misc]  # traitlets' metaclass
    """ipykernel's kernel without the threads that ZeroMQ wants."""

    _supports_kernel_subshells = False  # type: ignore[assignment]  # a property there

    def start(self) -> None:
        """Be ready for the first request; there is no debugger to wait for."""
        self.shell.exit_now = False
        Kernel.start(self)

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """After an error nothing waits that were to be skipped: who asks waits for each answer."""


class PipeKernelApp(IPKernelApp):  # type: ignore[misc]  # traitlets' metaclass
    """ipykernel's application, whose configuration files, extensions and startup code hold here too."""

    name = "ipython-kernel"
    kernel_class = Type("nightbook.runs.warm.kernel.PipeKernel", klass="ipykernel.kernelbase.Kernel")
    writer = AnyTrait()
    log_descriptor = AnyTrait(2)

    def init_connection_file(self) -> None:
        """There is none."""

    def init_poller(self) -> None:
        """Who started us sees to it that we do not outlive the run."""

    def init_sockets(self) -> None:
        """One is enough, and there already."""
        self.session = PipeSession(parent=self, writer=self.writer, key=b"unused", username=self.session.username)
        self.iopub_socket = PUBLISHED

    def init_heartbeat(self) -> None:
        """A kernel whose process is alive is alive."""

    def write_connection_file(self) -> None:
        """Nobody else is to connect."""

    def log_connection_info(self) -> None:
        """There is none."""
        self._ports = {}

    def init_io(self) -> None:
        """Have everything that is printed, displayed or the value of a cell go to the one who listens."""
        sys.stdout = PrintedText("stdout", self.writer, self.log_descriptor)
        sys.stderr = PrintedText("stderr", self.writer, self.log_descriptor)
        self.displayhook = import_item(str(self.displayhook_class))(self.session, self.iopub_socket)
        sys.displayhook = self.displayhook
        self.patch_io()

    def init_kernel(self) -> None:
        """Make the kernel."""
        kernel = self.kernel_class.instance(
            parent=self,
            session=self.session,
            shell_channel_thread=SimpleNamespace(parent_thread=threading.current_thread()),
            iopub_socket=self.iopub_socket,
            log=self.log,
            profile_dir=self.profile_dir,
            user_ns=self.user_ns,
        )
        self.kernel = kernel
        self.displayhook.get_execution_count = lambda: kernel.execution_count

    def close(self) -> None:
        """Nothing is open."""


class KernelService:
    """Serves requests one after the other until who asks is gone.

    Args:
        stream: The socket.
        log_descriptor: Where text goes that belongs to no cell.
    """

    def __init__(self, stream: socket.socket, log_descriptor: int) -> None:
        self._stream = stream
        self._writer = FrameWriter(stream)
        self._log_descriptor = log_descriptor
        self._loop = asyncio.new_event_loop()
        self._pid = os.getpid()
        self._app: PipeKernelApp

    def start(self) -> None:
        """Make the kernel, as `python -m ipykernel_launcher` does."""
        asyncio.set_event_loop(self._loop)
        sys.argv = [ipykernel_launcher.__file__, "-f", "kernel.json"]
        self._app = PipeKernelApp.instance(writer=self._writer, log_descriptor=self._log_descriptor)
        self._app.initialize([NO_HISTORY])
        self._loop.run_until_complete(self._start())

    async def _start(self) -> None:
        self._app.kernel.start()

    def serve(self) -> None:
        """Return when the socket ends."""
        reader, waiting = FrameReader(), list["Frame"]()
        while (frame := read_frame(self._stream, reader, waiting)) is not None:
            self._dispatch(frame)
            if os.getpid() != self._pid:
                # A process that a cell forked has come to the cell's end, too: the notebook is not its to go on with.
                os._exit(0)

    def _dispatch(self, frame: Frame) -> None:
        message: Mapping[str, Any] = self._app.session.unpack(frame.parts[0])
        message = {**message, "buffers": list(frame.parts[1:])}
        message |= {"msg_id": message["header"]["msg_id"], "msg_type": message["header"]["msg_type"]}
        self._app.session.has_replied = False
        self._loop.run_until_complete(self._app.kernel.dispatch_shell(message))
        if message["msg_type"].endswith("_request") and not self._app.session.has_replied:
            # It failed outside the cell, as when the cell before left no `sys.stdout`: who asked would wait for ever.
            os._exit(1)


def serve_kernel(stream: socket.socket, log_descriptor: int) -> None:
    """Be a kernel until the socket ends."""
    service = KernelService(stream, log_descriptor)
    service.start()
    service.serve()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
