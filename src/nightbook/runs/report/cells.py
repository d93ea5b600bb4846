"""The notebook's cells as the page shows them: which are left out, which are folded, and where it failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup

from nightbook.records import CellStatus
from nightbook.runs.report.code import highlight_code
from nightbook.runs.report.context import CodeVisibility
from nightbook.runs.report.outputs import OWN, own_text, render_logged
from nightbook.runs.report.streams import failing_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nightbook.records import Run
    from nightbook.runs.report.markdown import Prose
    from nightbook.runs.report.outputs import Outputs

_REMOVED = frozenset({"remove_cell", "remove-cell", "papermill-error-cell-tag"})
_HIDDEN_INPUT = frozenset({"hide_input", "hide-input", "remove_input", "remove-input"})
_HIDDEN_OUTPUT = frozenset({"hide_output", "hide-output", "remove_output", "remove-output"})
_LABELS = {"parameters": "Parameters, as declared", "injected-parameters": "Parameters, as injected for this run"}
_SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """One cell, ready for the template.

    Attributes:
        kind: "markdown" or "code".
        index: Position in the source notebook, counted from 0; None for injected cells.
        anchor: The element's id; `error` for the cell that failed.
        scope: The class that foreign styles of this cell are bound to.
        body: Rendered Markdown; empty for code.
        code: Highlighted source; empty when it is hidden or the page holds no code.
        label: What the fold is called.
        lines: Lines of source.
        outputs: Rendered outputs in order.
        status: What became of a code cell.
        duration: Seconds, None where unknown.
        line: The source line that raised, where the traceback tells it.
        is_shared: It was executed once, for several runs.
    """

    kind: str
    index: int | None
    anchor: str
    scope: str
    body: Markup = field(default_factory=Markup)
    code: Markup = field(default_factory=Markup)
    label: str = "Code"
    lines: int = 0
    outputs: tuple[Markup, ...] = ()
    status: CellStatus | None = None
    duration: float | None = None
    line: int | None = None
    is_shared: bool = False

    @property
    def is_error(self) -> bool:
        """The cell at which the run failed."""
        return self.anchor == "error"

    @property
    def is_slow(self) -> bool:
        """Slow enough that its duration is worth a word."""
        return self.duration is not None and self.duration >= _SLOW_SECONDS


@dataclass(slots=True, kw_only=True)
class CellViews:
    """Renders the cells of one notebook in order.

    Attributes:
        run: Its cells' outcomes stand in for metadata that a cell lacks.
        prose: Renders Markdown.
        outputs: Renders outputs.
        code: Whether source is in the page.
        language: For highlighting.
    """

    run: Run
    prose: Prose
    outputs: Outputs
    code: CodeVisibility
    language: str
    _failed_at: int | None = None

    def render(self, cells: Sequence[Mapping[str, object]]) -> tuple[CellView, ...]:
        """Views of the cells that are shown."""
        kept = [(position, cell) for position, cell in enumerate(cells) if not _tags(cell) & _REMOVED]
        views = [self._view(position, cell) for position, cell in kept if cell.get("cell_type") in {"markdown", "code"}]
        return tuple(view for view in views if view is not None)

    def _view(self, position: int, cell: Mapping[str, object]) -> CellView | None:
        scope = f"nb-c{position}"
        if cell.get("cell_type") == "markdown":
            attachments = cell.get("attachments")
            given = attachments if isinstance(attachments, dict) else {}
            body = self.prose.render(_source(cell), scope, given)
            return CellView(kind="markdown", index=None, anchor=f"nb-cell-{position}", scope=scope, body=body)
        return self._code_view(position, cell, scope)

    def _code_view(self, position: int, cell: Mapping[str, object], scope: str) -> CellView | None:
        source, tags = _source(cell), _tags(cell)
        index, status, duration, is_shared = self._outcome(cell)
        raw_outputs = cell.get("outputs")
        outputs = [one for one in raw_outputs if isinstance(one, dict)] if isinstance(raw_outputs, list | tuple) else []
        if not source.strip() and not outputs:
            return None
        shows_code = self.code is CodeVisibility.FOLDED and not tags & _HIDDEN_INPUT and bool(source.strip())
        is_failed = status is CellStatus.FAILED and self._failed_at is None
        if is_failed:
            self._failed_at = position
        hides = bool(tags & _HIDDEN_OUTPUT) and not is_failed
        shown = () if hides else self._merged(outputs)
        return CellView(
            kind="code", index=index, anchor="error" if is_failed else f"nb-cell-{position}", scope=scope,
            code=highlight_code(source, self.language) if shows_code else Markup(),
            label=next((_LABELS[tag] for tag in _LABELS if tag in tags), "Code"),
            lines=source.count("\n") + 1, outputs=tuple(one for one in shown if one), status=status, duration=duration,
            line=_error_line(outputs), is_shared=is_shared,
        )  # fmt: skip

    def _merged(self, outputs: Iterable[Mapping[str, object]]) -> tuple[Markup, ...]:
        """Streams that follow each other are one text, however many prints made them; so are logged values."""
        rendered: list[Markup] = []
        for key, group in groupby(outputs, key=_kind):
            together = list(group)
            if key == OWN:
                rendered.append(render_logged([own_text(output) for output in together]))
            elif key:
                text = "".join(_text(output.get("text")) for output in together)
                rendered.append(self.outputs.render({**together[0], "text": text}))
            else:
                rendered += [self.outputs.render(output) for output in together]
        return tuple(rendered)

    def _outcome(self, cell: Mapping[str, object]) -> tuple[int | None, CellStatus | None, float | None, bool]:
        metadata = cell.get("metadata")
        told = metadata.get("nightbook") if isinstance(metadata, dict) else None
        if not isinstance(told, dict):
            return None, None, None, False
        index = told.get("index")
        status, duration = told.get("status"), told.get("duration_seconds")
        known = next((one for one in self.run.cells if one.index == index), None)
        return (
            index if isinstance(index, int) else None,
            CellStatus(status) if status in set(CellStatus) else known.status if known else None,
            float(duration) if isinstance(duration, int | float) else known.duration_seconds if known else None,
            told.get("shared") is True,
        )


def _kind(output: Mapping[str, object]) -> str:
    """What may be merged with its neighbours of the same kind; empty for what stands alone."""
    bundle = output.get("data")
    if isinstance(bundle, dict) and OWN in bundle:
        return OWN
    return f"stream {output.get('name')}" if output.get("output_type") == "stream" else ""


def _error_line(outputs: Iterable[Mapping[str, object]]) -> int | None:
    for output in outputs:
        traceback = output.get("traceback")
        if output.get("output_type") == "error" and isinstance(traceback, list | tuple):
            return failing_line([str(line) for line in traceback])
    return None


def _source(cell: Mapping[str, object]) -> str:
    return _text(cell.get("source"))


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return "".join(str(part) for part in value)
    return "" if value is None else str(value)


def _tags(cell: Mapping[str, object]) -> frozenset[str]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return frozenset(str(tag) for tag in tags) if isinstance(tags, list | tuple) else frozenset()
