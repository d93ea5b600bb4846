"""An IPython kernel that speaks over a socket of its own instead of ZeroMQ's: no ports, no threads.

It is ipykernel's own application and kernel; only what carries its messages is ours. It runs in a process that was
forked from a warm parent. What Jupyter's kernel keeps threads for is not needed by one client that waits: there is
nobody to ping, and no second request while a cell runs.
"""

from __future__ import annotations

import array
import fcntl
import os
import random
import sys
import termios
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ipykernel import iostream, ipkernel, kernelapp
from ipykernel.kernelbase import Kernel
from jupyter_client.session import Session
from traitlets import Any as AnyTrait
from traitlets import Type
from traitlets.utils.importstring import import_item

from nightbook.runs.warm.frames import FLUSH, MESSAGE, TEXT, FrameWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PUBLISHED = "published"
"""Stands for the socket on which Jupyter's kernels publish: everything goes the same way here."""
ARGUMENTS = ("-f", "kernel.json", "--HistoryManager.hist_file=:memory:")
"""Those with which nbclient starts a kernel; the file is not there."""
SHOWN_BY_CHILDREN = frozenset({"clear_output", "display_data", "update_display_data"})
TAKEN_SECONDS = 0.2
MOST_AT_ONCE = 4096
"""Characters: at most as many bytes as the operating system takes whole or not at all."""


class PipeSession(Session):
    """Sends messages as frames.

    Messages that come in are dicts already, so there is nothing to take apart.

    Attributes:
        has_replied: Whether the request was answered.
        is_cell_over: Whether the request's cell has ended. That the kernel is idle, which comes next, shows all text.
    """

    writer = AnyTrait()
    has_replied = AnyTrait(default_value=False)
    is_cell_over = AnyTrait(default_value=False)

    def send(  # noqa: PLR0913, PLR0917 - jupyter_client's signature
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
        """Say a message; returns it. A process that a cell forked may show something, no more."""
        del stream, ident, track
        if isinstance(msg_or_type, dict):
            message: dict[str, Any] = msg_or_type
            buffers = buffers or message.get("buffers", [])
        else:
            message = self.msg(msg_or_type, content=content, parent=parent, header=header, metadata=metadata)
        if os.getpid() != self.pid and message["header"]["msg_type"] not in SHOWN_BY_CHILDREN:
            return message
        said = {key: message[key] for key in ("header", "parent_header", "metadata", "content")}
        is_reply = message["header"]["msg_type"].endswith("_reply")
        self.has_replied |= is_reply
        # After a reply the kernel says that it is idle; that it is busy interests nobody before there is more to say.
        has_sequel = is_reply or message["content"].get("execution_state") == "busy"
        parts = (self.pack(said), *(memoryview(one) for one in buffers or ()))
        self.writer.write(MESSAGE, *parts, has_sequel=has_sequel)
        return message

    def feed_identities(self, message: Any, copy: bool = True) -> tuple[list[bytes], Any]:  # noqa: ANN401, FBT001, FBT002 - as above
        """There is one client, which needs no identity."""
        del copy
        return [], message

    def deserialize(self, message: Any, content: bool = True, copy: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002 - as above
        """It is a message already."""
        del content, copy
        return message


class ImmediateThread(iostream.IOPubThread):
    """Stands for the thread that publishes for Jupyter's kernels: what is to be done there is done at once."""

    def __init__(self) -> None:
        self.thread = None  # type: ignore[assignment]  # there is none
        self.io_loop = None  # type: ignore[assignment]  # as above

    def schedule(self, f: Callable[[], object]) -> None:
        """Do it."""
        f()


class OutStream(iostream.OutStream):
    """Takes the place of `sys.stdout` or `sys.stderr`: what is printed is said at once, what is flushed is said to be.

    It has the name of ipykernel's own, which users read in error messages; so have the kernel and its application.

    Args:
        session: The kernel's.
        name: `stdout` or `stderr`.
        writer: Carries it.
        descriptor: Where those who ask for a file descriptor write: the run's log.
    """

    def __init__(self, session: Session, name: str, writer: FrameWriter, descriptor: int) -> None:
        super().__init__(session, ImmediateThread(), name, watchfd=False)  # type: ignore[no-untyped-call]  # not annotated there
        self._original_stdstream_copy = descriptor
        self._writer = writer
        self._pipe = os.dup({"stdout": 1, "stderr": 2}[name])

    def _schedule_flush(self) -> None:
        for _, text in self._flush_buffers():  # type: ignore[no-untyped-call]  # not annotated there
            # A process that a cell forked may be killed while it prints: what goes at once is never cut in two.
            most = len(text) if os.getpid() == self._master_pid else MOST_AT_ONCE
            for start in range(0, len(text), max(1, most)):
                self._writer.write(TEXT, self.name.encode(), encoded(text[start : start + most]))

    def turn_to(self, writer: FrameWriter, descriptor: int) -> None:
        """In a fork: speak to somebody else from now on."""
        self._writer, self._original_stdstream_copy, self._master_pid = writer, descriptor, os.getpid()
        os.close(self._pipe)
        self._pipe = os.dup({"stdout": 1, "stderr": 2}[self.name])

    def _flush(self) -> None:
        self._flush_pending = self._subprocess_flush_pending = False
        self._schedule_flush()
        session: Any = self.session
        if not session.is_cell_over:
            await_taken(self._pipe)
            self._writer.write(FLUSH, self.name.encode())


def encoded(text: str) -> bytes:
    """In UTF-8, as Jupyter's messages are: single bytes that were no text are handed on, to be replaced."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def await_taken(pipe: int) -> None:
    """Let what was written below Python be taken, so that it comes before what is said now."""
    waiting, until = array.array("i", [1]), time.monotonic() + TAKEN_SECONDS
    while fcntl.ioctl(pipe, termios.FIONREAD, waiting) == 0 and waiting[0] and time.monotonic() < until:
        time.sleep(0.0005)


@contextmanager
def looking_at_no_module() -> Iterator[None]:
    """Have ipykernel find no modules meanwhile.

    It looks at every one of them for a debugger, which nobody can attach here. To be looked at is to be counted: the
    operating system would copy twelve megabytes that all kernels share.
    """
    module: Any = ipkernel
    module.sys = SimpleNamespace(**{**vars(sys), "modules": {}})
    try:
        yield
    finally:
        module.sys = sys


class IPythonKernel(ipkernel.IPythonKernel):
    """ipykernel's kernel without the threads that ZeroMQ wants."""

    _supports_kernel_subshells = False
    # Jupyter's waits for ZeroMQ to have carried what was printed, by way of another socket, before the reply goes.
    _execute_sleep = 0.0

    @property
    def banner(self) -> Any:  # type: ignore[override]  # noqa: ANN401 - a text there, or a property that gives one
        """IPython's greeting, whose tip of the day is drawn beside the notebook's own numbers."""
        state = random.getstate()
        try:
            return super().banner
        finally:
            random.setstate(state)

    def start(self) -> None:
        """Be ready for the first request; there is no debugger to wait for."""
        shell: Any = self.shell
        shell.exit_now = False
        Kernel.start(self)  # type: ignore[no-untyped-call]  # not annotated there

    async def do_execute(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - ipykernel's signature
        """Execute a cell."""
        try:
            return await super().do_execute(*arguments, **options)  # type: ignore[no-untyped-call]  # not annotated there
        finally:
            session: Any = self.session
            session.is_cell_over = True

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """After an error nothing waits that were to be skipped: who asks waits for each answer."""


class IPKernelApp(kernelapp.IPKernelApp):
    """ipykernel's application, whose configuration files, extensions and startup code hold here too."""

    name = "ipython-kernel"
    kernel_class = Type(f"{__name__}.IPythonKernel", klass="ipykernel.kernelbase.Kernel")
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
        self.configure_tornado_logger()  # type: ignore[no-untyped-call]  # not annotated there

    def init_heartbeat(self) -> None:
        """A kernel whose process is alive is alive."""

    def write_connection_file(self, **_: object) -> None:
        """Nobody else is to connect."""

    def log_connection_info(self) -> None:
        """There is none."""
        self._ports = {}

    def init_io(self) -> None:
        """Have everything that is printed, displayed or the value of a cell go to the one who listens."""
        sys.stdout = OutStream(self.session, "stdout", self.writer, self.log_descriptor)
        sys.stderr = OutStream(self.session, "stderr", self.writer, self.log_descriptor)
        self.out_streams = (sys.stdout, sys.stderr)
        self.displayhook = import_item(str(self.displayhook_class))(self.session, self.iopub_socket)
        sys.displayhook = self.displayhook
        self.patch_io()  # type: ignore[no-untyped-call]  # not annotated there

    def init_kernel(self) -> None:
        """Make the kernel."""
        if not self.logging_config:
            # Handlers alone have the level otherwise, and each message of the kernel makes records that nobody sees.
            self.log.setLevel(self.log_level)
        kernel_class: Any = self.kernel_class
        with looking_at_no_module():
            kernel = kernel_class.instance(
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
