"""ipywidgets' Output in batch: what is printed into it stays within the limit of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from nbclient.output_widget import OutputWidget
from nbformat.v4 import output_from_msg

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_client.client import KernelClient

    from nightbook.runs.outputs import CellOutputs


class BoundedOutputWidget(OutputWidget):
    """Plays the browser's part of an Output widget.

    The kernel is told of the outputs when the widget is done with, not at each print: it would have to listen to all
    of them again each time, and cannot listen while a cell runs anyway.
    """

    def __init__(
        self,
        comm_id: str,
        state: dict[str, Any],
        kernel_client: KernelClient,
        executor: Any,  # noqa: ANN401 - nbclient's own signature
        *,
        bound: Callable[[list[Any]], CellOutputs],
    ) -> None:
        super().__init__(comm_id, state, kernel_client, executor)
        self._bound = bound
        self._bounded = bound(self.outputs)
        self._is_stale = False

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """Empty it now, or before the next output."""
        super().clear_output(outs, msg, cell_index)
        if not self.clear_before_next_output:
            self._bounded = self._bound(self.outputs)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> None:
        """Take one output message."""
        del outs, display_id, cell_index
        if self.clear_before_next_output:
            self.outputs, self.clear_before_next_output = [], False
            self._bounded = self._bound(self.outputs)
        self.parent_header = msg["parent_header"]
        self._is_stale = True
        content = msg["content"]
        if msg["msg_type"] == "stream":
            self._bounded.add_stream(content["name"], content["text"])
        elif self._bounded.admit(content):
            self.outputs.append(cast("Any", output_from_msg)(msg))

    def set_state(self, state: dict[str, Any]) -> None:
        """Begin or end to receive what the kernel shows."""
        super().set_state(state)
        if "msg_id" in state and not state["msg_id"]:
            self.settle()

    def settle(self) -> None:
        """Tell the kernel and the notebook's stored widget state what the widget shows now."""
        if not self._is_stale:
            return
        self._is_stale = False
        shown = self._bounded.shown()
        self.send({"method": "update", "state": {"outputs": shown}, "buffer_paths": []})
        self.executor.widget_state[self.comm_id]["outputs"] = shown
