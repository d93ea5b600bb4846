"""A form for a notebook's parameters that runs it in batch, from the notebook one is in."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from nightbook.cards import STYLE
from nightbook.errors import ParameterError
from nightbook.lab.background import BackgroundRun, Phase
from nightbook.lab.declaration import read_declaration
from nightbook.lab.field import Field
from nightbook.lab.order import Order
from nightbook.lab.status import report_frame, situation_html
from nightbook.notebooks.parameters import Absent, bind
from nightbook.numbers import format_count
from nightbook.settings import load_settings
from nightbook.template_files import templates_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightbook.lab.background import Situation
    from nightbook.records import Run

_STYLE_SHEET = "form.css"


class ParameterForm:
    """A form made from a notebook's declared parameters; *Run* runs it in batch while this notebook stays free.

    What is wrong is said beside the field as one types, and keeps *Run* off. A run belongs to this kernel: it is
    cancelled when the kernel goes. It shows itself as a cell's last expression; `widget` goes among other widgets.

    Args:
        notebook: A notebook's file, from here or from the project's folder of notebooks.

    Raises:
        NightbookError: There is no such notebook, or its declaration is wrong.
    """

    def __init__(self, notebook: str | Path) -> None:
        self._folder = Path.cwd()
        self._settings = load_settings(self._folder, environment=os.environ)
        self._declaration = read_declaration(self._settings, notebook)
        self._running: BackgroundRun | None = None
        self.fields: Mapping[str, Field] = {
            one.parameter.name: Field(one, self._refresh) for one in self._declaration.parameters
        }
        self.run_button = widgets.Button(
            description=f"Run {self._declaration.name}", button_style="primary", icon="play"
        )
        self.cancel_button = widgets.Button(description="Cancel", icon="stop", disabled=True)
        self.reset_button = widgets.Button(description="Reset", tooltip="Back to what holds when nothing is given")
        self.force_tick = widgets.Checkbox(description="even when up to date", indent=False)
        self.report_button = widgets.ToggleButton(description="Show report", icon="file-text")
        self.summary = widgets.HTML()
        self.status = widgets.HTML()
        self.report = widgets.HTML()
        self.report_box = widgets.VBox()
        self.run_button.on_click(lambda _: self.run())
        self.cancel_button.on_click(lambda _: self.cancel())
        self.reset_button.on_click(lambda _: self.reset())
        self.report_button.observe(lambda _: self._show_report(), "value")
        self.widget: Any = self._laid_out()
        self._refresh()

    @property
    def given(self) -> dict[str, object]:
        """The values that differ from what holds when nothing is given: what a run would be given.

        Raises:
            ParameterError: A field holds no value of its type.
        """
        problems = {name: field.error for name, field in self.fields.items() if field.error}
        if problems:
            lines = [f"  {name}: {error}" for name, error in problems.items()]
            raise ParameterError("\n".join([f"{self._place} cannot run with these values:", *lines]))
        values = {name: field.value for name, field in self.fields.items() if field.is_given}
        parameters = [field.declared.parameter for field in self.fields.values()]
        known = {one.name: self.fields[one.name].value for one in parameters}
        bind(parameters, {name: one for name, one in known.items() if not isinstance(one, Absent)}, where=self._place)
        return values

    @property
    def last_run(self) -> Run | None:
        """The record of the latest run started here, None until it has ended."""
        return self._running.situation.run if self._running else None

    def run(self) -> None:
        """Start the notebook in batch and return at once.

        Raises:
            ParameterError: A field holds no value of its type; nothing was started.
        """
        if self._is_running:
            return
        order = Order(
            notebook=str(self._declaration.path), parameters=self.given, is_forced=bool(self.force_tick.value)
        )
        self.report_button.value = False
        self._running = BackgroundRun(order, self._folder, self._follow)
        self._follow(self._running.situation)

    def cancel(self) -> None:
        """Interrupt the run; asked again, kill it. It ends as cancelled within seconds."""
        if self._running is not None:
            self._running.cancel()

    def wait(self, timeout_seconds: float | None = None) -> Run | None:
        """Wait for the run's end and return its record; None when it still runs then, or nothing ran."""
        if self._running is not None:
            self._running.wait(timeout_seconds)
        return self.last_run

    def reset(self) -> None:
        """Show again what holds when nothing is given."""
        for field in self.fields.values():
            field.reset()

    @property
    def _is_running(self) -> bool:
        return self._running is not None and self._running.situation.phase is not Phase.ENDED

    @property
    def _place(self) -> str:
        return self._declaration.path.name

    def _laid_out(self) -> Any:  # noqa: ANN401 - ipywidgets ships no types
        count = format_count(len(self.fields), "parameter")
        name, file = html.escape(self._declaration.name), html.escape(self._place)
        style = STYLE + (templates_folder("lab") / _STYLE_SHEET).read_text("utf-8")
        head = widgets.HTML(
            f'<style>{style}</style><div class="nb nb-head">{name} <small>{file} · {count}</small></div>'
        )
        actions = [self.run_button, self.cancel_button, self.reset_button, self.force_tick, self.summary]
        rows = [field.widget for field in self.fields.values()]
        shown = [
            head,
            *rows,
            widgets.HBox(actions).add_class("nb-actions"),
            self.status,
            self.report_box,
        ]
        return widgets.VBox(shown).add_class("nb-form")

    def _refresh(self) -> None:
        fields = self.fields.values()
        wrong = [field.name for field in fields if field.error]
        changed = [field.name for field in fields if field.is_given]
        if wrong:
            words = f'<span class="nb-error" role="status">to mend: {html.escape(", ".join(wrong))}</span>'
        else:
            words = f'<span class="nb-muted" role="status">{len(changed)} changed</span>' if changed else ""
        self.summary.value = f'<span class="nb">{words}</span>'
        self.run_button.disabled = bool(wrong) or self._is_running
        self.reset_button.disabled = not (wrong or changed)

    def _follow(self, now: Situation) -> None:
        """From the thread that follows the run, too."""
        is_over = now.phase is Phase.ENDED
        self.status.value = situation_html(now, self._declaration.name)
        self.cancel_button.disabled = is_over
        has_report = is_over and self._report_path(now).is_file()
        self.report_box.children = (self.report_button, self.report) if has_report else ()
        self._refresh()

    def _report_path(self, now: Situation) -> Path:
        return self._settings.root / (now.run.report if now.run and now.run.report else ".nothing")

    def _show_report(self) -> None:
        run = self.last_run
        is_open = bool(self.report_button.value) and run is not None
        self.report_button.description = "Hide report" if is_open else "Show report"
        page = self._report_path(self._running.situation) if is_open and self._running else None
        self.report.value = report_frame(page.read_text("utf-8"), run.label) if page and run else ""

    def _repr_mimebundle_(self, **options: object) -> object:
        return self.widget._repr_mimebundle_(**options)
