"""What a notebook can be given, by file or by stage; nothing is executed, and no other stage need be in order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError, nearest
from nightbook.notebooks.document import read_notebook
from nightbook.notebooks.parameters import declared_parameters, read_parameters
from nightbook.pipelines.stage import may_be_stage, stage_name
from nightbook.workflow.targets import is_file_name

if TYPE_CHECKING:
    from nightbook.notebooks.document import Notebook
    from nightbook.notebooks.parameters import Parameter
    from nightbook.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What one notebook can be given.

    Attributes:
        path: The notebook's file.
        kernel_name: The kernel that it names; empty when it names none.
        language: The kernel's language.
        parameters: In the order of the declaration; empty when it declares none.
    """

    path: Path
    kernel_name: str
    language: str
    parameters: tuple[Parameter, ...]


def declaration_of(settings: Settings, target: str) -> Declaration:
    """Read what a notebook declares, or what the settings declare for one that cannot.

    Args:
        settings: The project.
        target: A notebook's file or a stage's name.

    Raises:
        PipelineError: There is no such stage.
        NotebookError: The file is no notebook.
        ParameterError: What it declares could not be given truly.
    """
    document = _notebook_of_file(settings, target) if is_file_name(target) else _notebook_of_stage(settings, target)
    return Declaration(
        path=document.path,
        kernel_name=document.kernel_name,
        language=document.language,
        parameters=read_parameters(document) or _from_settings(settings, document),
    )


def stage_names(settings: Settings) -> tuple[str, ...]:
    """Stages by the names of their files: a notebook that turns out to declare nothing is among them."""
    return tuple(dict.fromkeys([*settings.stages, *_files_by_name(settings)]))


def _notebook_of_file(settings: Settings, target: str) -> Notebook:
    path = Path(target).absolute()
    within = settings.root / settings.notebooks / target
    return read_notebook(path if path.exists() or not within.exists() else within)


def _notebook_of_stage(settings: Settings, name: str) -> Notebook:
    files = _files_by_name(settings)
    files |= {stage: [settings.root / table.notebook] for stage, table in settings.stages.items() if table.notebook}
    if name not in files:
        raise PipelineError(f"there is no stage '{name}'", remedy=nearest(name, files))
    found = [read_notebook(path) for path in files[name]]
    return next((one for one in found if one.parameters_cell is not None), found[0])


def _files_by_name(settings: Settings) -> dict[str, list[Path]]:
    """Of files with one name the `.ipynb` comes first: jupytext keeps the others in step with it."""
    folder = settings.root / settings.notebooks
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda one: (one.suffix != ".ipynb", one.name)):
        if path.is_file() and not path.name.startswith(".") and may_be_stage(path):
            files.setdefault(stage_name(path), []).append(path)
    return files


def _from_settings(settings: Settings, document: Notebook) -> tuple[Parameter, ...]:
    """Parameters of a notebook that cannot declare its own, from its table in the settings."""
    for name, table in settings.stages.items():
        is_named = table.notebook and settings.root / table.notebook == document.path
        if is_named or (not table.notebook and name == stage_name(document.path)):
            return declared_parameters(table.parameters, where=f"[stages.{name}]")
    return ()
