"""Serves a kernel's requests, one after the other, in a process forked for it."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import ipykernel_launcher  # type: ignore[import-untyped]  # ships no types

from nightbook.runs.warm.descriptors import open_descriptors
from nightbook.runs.warm.frames import CHECKPOINT, TRUNK, FrameReader, FrameWriter, read_frame
from nightbook.runs.warm.kernel import ARGUMENTS, IPKernelApp

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from nightbook.runs.warm.frames import Frame
    from nightbook.runs.warm.isolation import Surroundings


@dataclass(frozen=True, slots=True)
class Rooting:
    """What a kernel needs of which forks are to go on.

    Attributes:
        surroundings: What its process was given, before anything changed it.
        listener: A descriptor of the socket where it will listen as a trunk; -1 for none.
        connection: A descriptor of a connection to whoever had the trunk made; -1 for none.
    """

    surroundings: Surroundings
    listener: int = -1
    connection: int = -1


class KernelService:
    """Serves requests one after the other until who asks is gone.

    Args:
        stream: The socket.
        log_descriptor: Where text goes that belongs to no cell.
        rooting: What its forks need.
    """

    def __init__(self, stream: socket.socket, log_descriptor: int, rooting: Rooting) -> None:
        self._stream = stream
        self._writer = FrameWriter(stream)
        self._log_descriptor = log_descriptor
        self._loop = asyncio.new_event_loop()
        # What a cell sets in its context, such as NumPy's print options, holds for the next one.
        self._context = contextvars.copy_context()
        self._pid = os.getpid()
        self._rooting = rooting
        self._opened_before = dict[int, str]()
        self._opened_by_cells = frozenset[int]()
        self._app: IPKernelApp

    def start(self) -> None:
        """Make the kernel, as `python -m ipykernel_launcher` does."""
        asyncio.set_event_loop(self._loop)
        sys.argv = [ipykernel_launcher.__file__, *ARGUMENTS]
        self._context.run(self._make_application)
        self._run(self._start())
        self._opened_before = open_descriptors()

    def _make_application(self) -> None:
        self._app = IPKernelApp.instance(writer=self._writer, log_descriptor=self._log_descriptor)
        self._app.initialize(list(ARGUMENTS))  # type: ignore[no-untyped-call]  # not annotated there

    async def _start(self) -> None:
        self._app.kernel.start()

    def serve(self) -> None:
        """Return when the socket ends."""
        reader, waiting = FrameReader(), list["Frame"]()
        while (frame := read_frame(self._stream, reader, waiting)) is not None:
            if frame.kind == TRUNK:
                self._become_trunk(json.loads(frame.parts[0]))
                continue
            if frame.kind == CHECKPOINT:
                self._leave_checkpoint(json.loads(frame.parts[0]))
                continue
            self._dispatch(frame)
            if os.getpid() != self._pid:
                # A process that a cell forked has come to the cell's end, too: the notebook is not its to go on with.
                os._exit(0)

    def _dispatch(self, frame: Frame) -> None:
        message: Mapping[str, Any] = self._app.session.unpack(frame.parts[0])
        message = {**message, "buffers": list(frame.parts[1:])}
        message |= {"msg_id": message["header"]["msg_id"], "msg_type": message["header"]["msg_type"]}
        session = self._app.session
        session.has_replied = session.is_cell_over = False
        try:
            self._run(self._app.kernel.dispatch_shell(message))
        finally:
            self._writer.release()
        if message["msg_type"].endswith("_request") and not session.has_replied:
            # It failed outside the cell, as when the cell before left no `sys.stdout`: who asked would wait for ever.
            os._exit(1)

    def _become_trunk(self, wishes: Mapping[str, Any]) -> None:
        """Fork for whoever asks from now on; or say why that cannot be, and go on as before."""
        trunk = import_module("nightbook.runs.warm.trunk")
        gc.collect()  # what nobody holds any more is not open
        reason = trunk.why_not_forked(self._loop, self._opened_before)
        self._writer.write(TRUNK, reason.encode())
        if not reason:
            self._opened_by_cells = self._look_for_opened()
            made = trunk.Trunk(self, self._rooting.surroundings, self._opened_by_cells, wishes["seeded"])
            listener, connection = self._rooting.listener, self._rooting.connection
            trunk.serve_forks(made, socket.socket(fileno=listener), socket.socket(fileno=connection))

    def _leave_checkpoint(self, wishes: Mapping[str, Any]) -> None:
        """Leave a fork from which another run can go on; or say why that cannot be. Go on as before."""
        module = import_module("nightbook.runs.warm.checkpoint")
        gc.collect()  # as above
        reason = import_module("nightbook.runs.warm.trunk").why_not_forked(self._loop, self._opened_before)
        reason = reason or module.why_not_continued()
        if not reason:
            self._opened_by_cells = self._look_for_opened()
            made = module.Checkpoint(self, self._rooting.surroundings, self._opened_by_cells)
            reason = module.leave(made, Path(wishes["socket"]), wishes["until"])
        answer = {"reason": reason, "modules": module.own_modules(wishes["root"], wishes["known"])}
        self._writer.write(CHECKPOINT, json.dumps(answer).encode())

    def _look_for_opened(self) -> frozenset[int]:
        opened = open_descriptors().items()
        return frozenset(one for one, target in opened if self._opened_before.get(one) != target)

    def go_on(self, stream: socket.socket, log_descriptor: int, surroundings: Surroundings) -> None:
        """In a fork: be the kernel of another run from here on, until the socket ends."""
        self._stream, self._writer, self._pid = stream, FrameWriter(stream), os.getpid()
        self._rooting = Rooting(surroundings)
        self._app.session.writer = self._writer
        # Its messages are no longer those of a child that a cell forked.
        self._app.session.pid = self._pid
        for one in self._app.out_streams:
            one.turn_to(self._writer, log_descriptor)
        # The parent's loop waits on what both would share.
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._run(self._start())
        opened = open_descriptors().items()
        self._opened_before = {one: target for one, target in opened if one not in self._opened_by_cells}
        self.serve()
        end_kernel()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.run_until_complete(self._loop.create_task(work, context=self._context))


def serve_kernel(stream: socket.socket, log_descriptor: int, rooting: Rooting) -> NoReturn:
    """Be a kernel until the socket ends; see `KernelService`."""
    # As debugpy does when it is imported, which happened before the fork.
    os.environ.setdefault("PYDEVD_USE_FRAME_EVAL", "NO")
    service = KernelService(stream, log_descriptor, rooting)
    service.start()
    introduce_to_libraries()
    service.serve()
    end_kernel()


def end_kernel() -> NoReturn:
    """End this process as a kernel's ends, without taking the interpreter apart."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # IPython collects garbage at its end, of which there is nothing to gain any more.
    gc.freeze()
    # What the notebook's libraries registered is called, as in a fresh process.
    with suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way
    os._exit(0)


def introduce_to_libraries() -> None:
    """Tell libraries that were imported before the fork what they look for when they are imported."""
    widgets: Any = sys.modules.get("ipywidgets")
    if widgets is not None:
        widgets.register_comm_target()
