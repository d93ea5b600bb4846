"""What a notebook can be given, and what it is given when nobody says anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.notebooks.document import read_notebook
from nightbook.notebooks.parameters import bind, declared_parameters, read_parameters
from nightbook.pipelines.stage import stage_name
from nightbook.settings import StageSettings

if TYPE_CHECKING:
    from nightbook.notebooks.document import Notebook
    from nightbook.notebooks.parameters import Parameter
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One parameter.

    Attributes:
        parameter: As declared.
        base: Its value when none is given: the settings' or the notebook's own; `MISSING` or `OPAQUE` without one.
        is_preset: The settings say another value than the notebook.
    """

    parameter: Parameter
    base: object
    is_preset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A notebook and its parameters.

    Attributes:
        path: The notebook's file, absolute.
        name: As people name it: the stage.
        parameters: In the order of declaration.
    """

    path: Path
    name: str
    parameters: tuple[Declared, ...]


def read_declaration(settings: Settings, notebook: str | Path) -> Declaration:
    """Read a notebook by its file, from here or from the project's folder of notebooks.

    Raises:
        NotebookError: There is no such notebook.
        ParameterError: Its declaration is wrong, or the settings' values for it are.
    """
    document = read_notebook(_file(settings, notebook))
    name, table = _table(settings, document)
    parameters = read_parameters(document)
    if not parameters:
        declared = declared_parameters(table.parameters, where=f"[stages.{name}]")
        bare = tuple(Declared(parameter=one, base=one.default) for one in declared)
        return Declaration(path=document.path, name=name, parameters=bare)
    # One by one: a required parameter without a value is no mistake before the form is filled in.
    known = tuple(one for one in parameters if one.name in table.parameters)
    presets = bind(known, table.parameters, where=f"[stages.{name}]").given if known else {}
    return Declaration(
        path=document.path,
        name=name,
        parameters=tuple(
            Declared(parameter=one, base=presets.get(one.name, one.default), is_preset=one.name in presets)
            for one in parameters
        ),
    )


def _file(settings: Settings, notebook: str | Path) -> Path:
    here = Path(notebook).absolute()
    in_project = settings.root / settings.notebooks / notebook
    return in_project if not here.exists() and in_project.exists() else here


def _table(settings: Settings, document: Notebook) -> tuple[str, StageSettings]:
    for name, table in settings.stages.items():
        is_named = table.notebook and settings.root / table.notebook == document.path
        if is_named or (not table.notebook and name == stage_name(document.path)):
            return name, table
    return stage_name(document.path), StageSettings()
