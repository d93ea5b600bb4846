"""The notebook client: executes cell by cell, reports each, bounds what it shows."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, DeadKernelError

from nightbook.errors import KernelError
from nightbook.notebooks.inside import MIME_TYPE
from nightbook.records import CellStatus
from nightbook.runs.changes import PROGRESS_SECONDS, OutputNews
from nightbook.runs.early_exit import early_exit_reason
from nightbook.runs.events import EventKind
from nightbook.runs.interruption import Interruption
from nightbook.runs.journal import is_executable
from nightbook.runs.kernel_process import PromptKernelManager
from nightbook.runs.output_widget import BoundedOutputWidget
from nightbook.runs.outputs import CellOutputs, size_of, storable_data, too_large
from nightbook.runs.preparations import preparations
from nightbook.runs.request import FORK, JUPYTER
from nightbook.runs.sockets import socket_folder
from nightbook.runs.warm.bounds import bound_memory
from nightbook.runs.warm.forked_kernel import ForkedKernelManager

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager
    from nbformat import NotebookNode

    from nightbook.runs.journal import Journal
    from nightbook.runs.publications import Publications
    from nightbook.runs.warm.forked_kernel import ForkedKernelClient
    from nightbook.runs.warm.kernels import KernelEnds

SILENCE_SECONDS = 10
STARTUP_SECONDS = 120
RETURNCODE_SECONDS = 1.0
FOREVER = 10**9


class SupervisedClient(NotebookClient):
    """Tells the journal of each cell's start, outputs and end.

    Args:
        nb: The prepared notebook.
        journal: Is told.
        kernel_name: The kernel to start.
        forked: A kernel that is there already; None starts one.
    """

    def __init__(
        self,
        nb: NotebookNode,
        *,
        journal: Journal,
        kernel_name: str,
        forked: KernelEnds | None = None,
    ) -> None:
        # nbclient gives outputs four seconds after a cell's end, and then drops them: see `_async_poll_output_msg`.
        super().__init__(
            nb,
            kernel_name=kernel_name,
            kernel_manager_class=PromptKernelManager,
            startup_timeout=STARTUP_SECONDS,
            iopub_timeout=FOREVER,
            on_cell_executed=self._note_exit,
            record_timing=False,
        )
        self._forked = forked
        self.widget_registry = {"@jupyter-widgets/output": {"OutputModel": self._output_widget}}
        self._journal = journal
        self._bounded: dict[int, CellOutputs] = {}
        self._widgets: list[BoundedOutputWidget] = []
        self._updates: dict[str, int] = {}
        self._restyled: set[int] = set()
        self._publications: Publications | ForkedKernelClient
        self._is_exit_asked = False
        self._news = OutputNews(journal)

    def execute_notebook(self) -> None:
        """Start a kernel, execute until a cell ends the notebook, stop the kernel.

        Raises:
            KernelError: It did not start.
            DeadKernelError: It died while a cell ran.
        """
        with ExitStack() as stack:
            self._begin(stack)
            self._execute_cells(self._first())
            self.set_widgets_metadata()
        metadata = {key: self.nb.metadata.get(key) for key in ("language_info", "widgets")}
        self._journal.tell(EventKind.ENDED, metadata=metadata)

    def _begin(self, stack: ExitStack) -> None:
        try:
            stack.enter_context(self.setup_kernel())
            reply = self.wait_for_reply(cast("Any", self.kc).kernel_info())
        except (NoSuchKernel, RuntimeError, OSError) as error:
            raise KernelError(f"the kernel '{self.kernel_name}' did not start: {error}") from error
        self.nb.metadata["language_info"] = cast("Any", reply)["content"]["language_info"]
        self._journal.tell(EventKind.KERNEL_READY, language_info=self.nb.metadata["language_info"])
        self._publications = self._manager.publications(cast("Any", self.kc))
        for code in preparations(self._journal.request, is_zmq=self._forked is None):
            self._execute_silently(code)

    def _execute_silently(self, code: str) -> None:
        self.wait_for_reply(cast("Any", self.kc).execute(code, silent=True, store_history=False))

    def _first(self) -> int:
        return 0  # the position of the first cell to execute

    def create_kernel_manager(self) -> KernelManager:
        """Make the manager of a kernel that only we can hear."""
        if self._forked is not None:
            self.km = self._take_over(self._forked)
            return self.km
        manager = cast("PromptKernelManager", super().create_kernel_manager())
        manager.listen_in(socket_folder(self._journal.request.run_id))
        return manager

    @property
    def _manager(self) -> PromptKernelManager | ForkedKernelManager:
        return cast("PromptKernelManager | ForkedKernelManager", self.km)

    def _take_over(self, forked: KernelEnds) -> KernelManager:
        self._journal.tell(EventKind.KERNEL_STARTED, pid=forked.keeper_pid, engine=FORK)
        manager = ForkedKernelManager(forked)
        Interruption.signal_kernel = manager.signal_kernel
        return cast("KernelManager", manager)

    def start_new_kernel(self, **options: Any) -> None:  # noqa: ANN401 - nbclient's own signature
        """Start the kernel, tell its process id, bound its memory."""
        super().start_new_kernel(**options)
        manager = cast("PromptKernelManager", self.km)
        pid = int(cast("Any", manager).provisioner.pid)
        Interruption.kernel_pid, Interruption.signal_kernel = pid, manager.signal_group
        request, memory_bytes = self._journal.request, self._journal.request.limits.memory_bytes
        if memory_bytes is not None:
            bound_memory(memory_bytes, pid)
        self._journal.tell(EventKind.KERNEL_STARTED, pid=pid, engine=JUPYTER, reason=request.engine_reason)

    def _execute_cells(self, first: int, end: int | None = None) -> bool:
        """Execute the cells from one position to before another; returns whether all went well."""
        for position, cell in list(enumerate(self.nb.cells))[first:end]:
            if Interruption.is_requested:
                return False
            if is_executable(cell) and not self._execute(cell, position):
                return False
        return True

    def _execute(self, cell: NotebookNode, position: int) -> bool:
        started = time.monotonic()
        self._journal.tell(EventKind.CELL_STARTED, position=position)
        cell.outputs = []
        self._news.begin()
        error: CellExecutionError | None = None
        try:
            self.execute_cell(cell, position)
        except CellExecutionError as raised:
            error = raised
        except KernelError:
            self._tell_outputs(position)
            raise
        except DeadKernelError:
            self._tell_outputs(position)
            returncode = self._manager.returncode(within_seconds=RETURNCODE_SECONDS)
            self._journal.tell(EventKind.KERNEL_DIED, returncode=returncode)
            raise
        reason = "exit()" if self._is_exit_asked else early_exit_reason(cell.outputs, error)
        for widget in self._widgets:
            widget.settle()
        status = CellStatus.SUCCEEDED if error is None or reason is not None else CellStatus.FAILED
        self._journal.tell(
            EventKind.CELL_ENDED,
            position=position,
            status=status.value,
            duration_seconds=time.monotonic() - started,
            execution_count=cell.execution_count,
            outputs=self._shown(position),
            **({"ename": error.ename, "evalue": error.evalue} if status is CellStatus.FAILED and error else {}),
        )
        for earlier in sorted(self._restyled - {position}):
            self._tell_outputs(earlier)
        self._restyled.clear()
        if reason is not None:
            self._journal.tell(EventKind.EXITED_EARLY, position=position, reason=reason)
        return error is None and reason is None

    def _note_exit(self, execute_reply: dict[str, Any], **_: object) -> None:
        # `exit()` and `quit()` do not raise in a notebook: they ask whoever drives the kernel to shut it down.
        asked = execute_reply["content"].get("payload") or ()
        self._is_exit_asked = any(one.get("source") == "ask_exit" for one in asked)

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: NotebookNode, cell_index: int) -> None:
        """A kernel that is done with a cell is listened to for as long as it has something to say."""
        while True:
            silence = PROGRESS_SECONDS if self._news.is_pending else SILENCE_SECONDS
            message = await self._publications.next(within_seconds=silence)
            if message is None:
                is_done = self._publications.replied_to == parent_msg_id
                if is_done and not self._news.is_pending:
                    return
                # What came last is told also when nothing follows for long; what is done tells all with its end.
                self._tell_news(cell_index)
                self._news.is_pending &= not is_done
                continue
            if message["parent_header"].get("msg_id") == parent_msg_id:
                try:
                    self.process_message(message, cell, cell_index)
                except CellExecutionComplete:
                    return
                self._tell_news(cell_index)

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Take one output message: streams are merged, the rest is nbclient's, as long as it fits."""
        content = msg["content"]
        if msg["msg_type"] != "stream":  # whose secrets may come in pieces: its own redactor waits for them
            content = msg["content"] = self._journal.redactor.json(content)
        if "data" in content:
            content["data"] = storable_data(content["data"])
        payload = content.get("data", {}).get(MIME_TYPE)
        if payload is not None:
            self._journal.tell(EventKind.LOGGED, payload=payload)
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return super().output(outs, msg, display_id, cell_index)
        if self.clear_before_next_output:
            self.clear_before_next_output = False
            self.clear_output(outs, {**msg, "content": {"wait": False}}, cell_index)
        bounded = self._bounded_outputs(outs, cell_index)
        if msg["msg_type"] == "stream":
            bounded.add_stream(content["name"], content["text"])
        elif bounded.admit(content):
            super().output(outs, msg, display_id, cell_index)
        self._news.heard(content)
        return None

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """What was cleared no longer counts against the limit."""
        super().clear_output(outs, msg, cell_index)
        if not outs:
            self._bounded.pop(cell_index, None)
            self._news.heard("")

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        places = self._display_id_map.get(display_id, {})
        if not any(places.values()):
            return
        content = msg["content"]
        content["data"] = storable_data(content["data"])
        self._updates[display_id] = size = size_of(content.get("data"))
        if sum(self._updates.values()) > self._journal.request.limits.output_limit_bytes:
            self._updates[display_id] = 0
            content["data"] = too_large(size)
        super()._update_display_id(display_id, msg)
        self._news.heard(content)
        self._restyled.update(position for position, indices in places.items() if indices)

    def _bounded_outputs(self, outs: list[NotebookNode], position: int) -> CellOutputs:
        return self._bounded.setdefault(position, self._bound(outs))

    def _bound(self, outs: list[NotebookNode]) -> CellOutputs:
        limit = self._journal.request.limits.output_limit_bytes
        return CellOutputs(cast("Any", outs), limit, make=nbformat.from_dict, redactor=self._journal.redactor)

    def _output_widget(
        self, comm_id: str, state: dict[str, Any], kernel_client: object, executor: object
    ) -> BoundedOutputWidget:
        widget = BoundedOutputWidget(comm_id, state, cast("Any", kernel_client), executor, bound=self._bound)
        self._widgets.append(widget)
        return widget

    def _shown(self, position: int) -> list[Any]:
        return list(self._bounded[position].shown()) if position in self._bounded else []

    def _tell_outputs(self, position: int) -> None:
        self._journal.tell(EventKind.OUTPUTS, position=position, outputs=self._shown(position))

    def _tell_news(self, position: int) -> None:
        if self._news.is_pending:
            self._news.tell(position, self._bounded.get(position))
