"""One row of a form: a control, what it is for, what is wrong with it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from nightbook.errors import ParameterError
from nightbook.lab.editors import editor_for, text_of
from nightbook.notebooks.literals import python_literal
from nightbook.notebooks.parameters import MISSING, Absent
from nightbook.notebooks.types import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.lab.declaration import Declared


class Field:
    """A parameter's row.

    Args:
        declared: The parameter and its value when none is given.
        changed: Called after every change, when the row shows it already.
    """

    def __init__(self, declared: Declared, changed: Callable[[], None]) -> None:
        self.declared = declared
        parameter = declared.parameter
        self.name = parameter.name
        self.editor = editor_for(parameter.name, parameter.type, declared.base, source=parameter.default_source)
        self.error = ""
        self.value: object = MISSING
        self.is_given = False
        self._note = widgets.HTML()
        self.widget: Any = widgets.HBox([self.editor.widget, self._note]).add_class("nb-row")
        self._check()
        self.editor.watch(self._check)
        self.editor.watch(changed)

    def reset(self) -> None:
        """Show the base again."""
        self.editor.write(self.declared.base)

    def _check(self) -> None:
        self.error, self.value, self.is_given = "", MISSING, False
        try:
            self.value = self.editor.read()
            if self.value is MISSING:
                self.error = "a value is needed"
            elif not isinstance(self.value, Absent):
                literal = python_literal(self.value)
                base = self.declared.base
                self.is_given = isinstance(base, Absent) or literal != python_literal(base)
        except ParameterError as error:
            # Remedies for the command line begin with the name to type there.
            remedy = error.remedy.replace("NAME=", "")
            self.error = f"{error.message} ({remedy})" if remedy else error.message
        self._show()

    def _show(self) -> None:
        for name, applies in (("nb-wrong", bool(self.error)), ("nb-changed", self.is_given)):
            (self.widget.add_class if applies else self.widget.remove_class)(name)
        self._note.value = f'<div class="nb">{self._problem()}{self._purpose()}</div>'

    def _problem(self) -> str:
        if not self.error:
            return ""
        return f'<div class="nb-error" role="alert"><span aria-hidden="true">✕</span> {html.escape(self.error)}</div>'

    def _purpose(self) -> str:
        parameter, base = self.declared.parameter, self.declared.base
        purpose = f'<span class="nb-help">{html.escape(parameter.help)}</span> · ' if parameter.help else ""
        if isinstance(base, Absent):
            default = "required" if parameter.required else "computed by the notebook"
        else:
            shown = "None" if base is None else text_of(parameter.type, base) or "empty"
            default = f"{'set to' if self.declared.is_preset else 'default'} {shown}"
        facts = html.escape(f"{describe(parameter.type)} · {default}")
        mark = ' <span class="nb-mark">changed</span>' if self.is_given else ""
        return f'{purpose}<span class="nb-muted">{facts}</span>{mark}'
