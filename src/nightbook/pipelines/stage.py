"""A stage: a notebook with its parameters' values and the data that they name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError, nearest
from nightbook.notebooks.document import Notebook, read_notebook
from nightbook.notebooks.parameters import Binding, Parameter, ParameterRole, bind, declared_parameters, read_parameters
from nightbook.pipelines.kernels import find_kernel
from nightbook.records import Limits
from nightbook.settings import StageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nightbook.settings import Settings

DEFAULT_KERNEL = "python3"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_NUMBER = re.compile(r"(\d+)[-_. ]+(?=.)")
# A text file is read as a notebook only when it can hold a `parameters` cell: loading jupytext costs more than a plan.
_TAGGED_TEXT = re.compile(rb"tags\b.*\bparameters\b")
_UNNUMBERED = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPath:
    """Some data that a stage reads or writes.

    Attributes:
        name: The parameter that declares it.
        uri: Relative to the project's root (posix) when inside it, absolute otherwise, or the URI as it is.
        path: Where it is; None for a URI.
        key: The path with links resolved: equal keys are the same data.
    """

    name: str
    uri: str
    path: Path | None
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A notebook ready to be planned.

    Attributes:
        name: The file's stem without a leading number, or the name of its table in the settings.
        rank: The leading number, which orders stages that no data orders.
        notebook: The source.
        parameters: What it declares.
        binding: The values for this plan.
        inputs: What it reads.
        outputs: What it writes.
        after: Stages that the settings put before it.
        limits: When a run of it is ended.
        kernel_name: The kernel that runs it.
        language: The kernel's language.
        retries: How often a failed run of it is tried again.
    """

    name: str
    rank: int = _UNNUMBERED
    notebook: Notebook
    parameters: tuple[Parameter, ...]
    binding: Binding
    inputs: tuple[DataPath, ...] = ()
    outputs: tuple[DataPath, ...] = ()
    after: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    kernel_name: str = DEFAULT_KERNEL
    language: str = "python"
    retries: int = 0


class Places:
    """Resolves paths as they are written; asks once where each folder really is, so it serves one loading of stages.

    Args:
        root: The project's root.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.fspath(root)
        self._real_folders: dict[str, str] = {}

    def data(self, name: str, written: str, folder: str) -> DataPath:
        """Some data whose path is relative to a folder; a URI stays as it is."""
        if _URI.match(written):
            return DataPath(name=name, uri=written, path=None, key=written.rstrip("/"))
        path = os.path.normpath(os.path.join(folder, written))  # noqa: PTH118 - paths of a whole pipeline, in no time
        prefix = f"{self.root}{os.sep}"
        uri = path.removeprefix(prefix).replace(os.sep, "/")
        return DataPath(name=name, uri=uri, path=Path(path), key=self._real(path))

    def _real(self, path: str) -> str:
        if os.path.islink(path):  # noqa: PTH114 - as above
            return os.path.realpath(path)
        folder, name = os.path.split(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return os.path.join(self._real_folders[folder], name)  # noqa: PTH118 - as above


def load_stage(settings: Settings, path: Path, given: Mapping[str, object] | None = None) -> Stage:
    """Load a lone notebook file, which may lie anywhere and need no `parameters` cell.

    When a table of the settings names the file, or it is a stage's file, that table applies.

    Raises:
        NotebookError: The file is no notebook.
        ParameterError: A value does not fit what the notebook declares.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - the name one typed stays; resolve would follow links
    for name, table in settings.stages.items():
        if table.notebook and settings.root / table.notebook == path:
            return _Loader(settings).stage(name, read_notebook(path), given or {})
    return _Loader(settings).stage(stage_name(path), read_notebook(path), given or {})


def load_stages(settings: Settings, given: Mapping[str, Mapping[str, object]]) -> tuple[Stage, ...]:
    """Load the project's stages: notebooks with a `parameters` cell, and those that the settings name.

    Raises:
        PipelineError: Two notebooks have one name, or a name in the settings or in `given` fits no notebook.
    """
    notebooks = _stage_notebooks(settings)
    for name in given:
        if name not in notebooks:
            raise PipelineError(f"unknown stage '{name}'", remedy=nearest(name, notebooks))
    loader = _Loader(settings)
    return tuple(loader.stage(name, notebook, given.get(name, {})) for name, notebook in notebooks.items())


def stage_name(path: Path) -> str:
    """The stem of a notebook's file; a leading number such as `01-` orders it for people and is no part of the name."""
    return _NUMBER.sub("", path.stem, count=1) if _NUMBER.match(path.stem) else path.stem


def _stage_notebooks(settings: Settings) -> dict[str, Notebook]:
    files = _files_by_name(settings)
    named: dict[str, Notebook] = {}
    for name, table in settings.stages.items():
        if table.notebook:
            named[name] = read_notebook(settings.root / table.notebook)
        elif name in files:
            named[name] = _only_one(name, [read_notebook(file) for file in files[name]], settings)
        else:
            raise PipelineError(
                f"[stages.{name}] in the settings has no notebook: there is none of that name in {settings.notebooks}/",
                remedy=nearest(name, files) if files else f'notebook = "{settings.notebooks}/{name}.ipynb"',
            )
    taken = {notebook.path for notebook in named.values()}
    for name, paths in files.items():
        found = [read_notebook(file) for file in paths if file not in taken]
        tagged = [notebook for notebook in found if notebook.parameters_cell is not None]
        if tagged and name in named:
            tagged.append(named[name])
        if tagged:
            named[name] = _only_one(name, tagged, settings)
    return named


def _files_by_name(settings: Settings) -> dict[str, list[Path]]:
    folder = settings.root / settings.notebooks
    if not folder.is_dir():
        if settings.sources.get("notebooks", "default") != "default":
            raise PipelineError(f"the folder of the notebooks, {folder}, does not exist", remedy=f"mkdir {folder}")
        return {}
    files: dict[str, list[Path]] = {}
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        path = Path(entry.path)
        if entry.is_file() and not entry.name.startswith(".") and may_be_stage(path):
            files.setdefault(stage_name(path), []).append(path)
    return files


def may_be_stage(path: Path) -> bool:
    """Whether a file is worth reading: a module or a README beside the notebooks is none."""
    if path.suffix in {".py", ".md"}:
        return bool(_TAGGED_TEXT.search(path.read_bytes()))
    return path.suffix == ".ipynb"


def _only_one(name: str, notebooks: list[Notebook], settings: Settings) -> Notebook:
    """The notebook of that name; of a pair that jupytext keeps in step, the `.ipynb`."""
    if len(notebooks) == 1:
        return notebooks[0]
    if len({notebook.path.with_suffix("") for notebook in notebooks}) == 1:
        for notebook in notebooks:
            metadata = notebook.content.get("metadata")
            if notebook.path.suffix == ".ipynb" and isinstance(metadata, dict) and "jupytext" in metadata:
                return notebook
    files = " and ".join(os.path.relpath(notebook.path, settings.root) for notebook in notebooks)
    raise PipelineError(f"{files} would both be stage '{name}'", remedy="rename one of them")


class _Loader:
    """Makes stages of notebooks, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = Places(settings.root)

    def stage(self, name: str, notebook: Notebook, given: Mapping[str, object]) -> Stage:
        table = self._settings.stages.get(name, StageSettings())
        binding = _bound(name, notebook, table, given)
        number = _NUMBER.match(notebook.path.stem)
        return Stage(
            name=name,
            rank=int(number[1]) if number else _UNNUMBERED,
            notebook=notebook,
            parameters=binding.parameters,
            binding=binding,
            inputs=_data(name, self._places, _declared(notebook, binding, ParameterRole.INPUT), table.inputs),
            outputs=_data(name, self._places, _declared(notebook, binding, ParameterRole.OUTPUT), table.outputs),
            after=table.after,
            limits=_limits(self._settings, table),
            kernel_name=table.kernel or notebook.kernel_name or DEFAULT_KERNEL,
            language=find_kernel(table.kernel).language if table.kernel else notebook.language,
            retries=table.retries,
        )


def _bound(name: str, notebook: Notebook, table: StageSettings, given: Mapping[str, object]) -> Binding:
    parameters, preset = read_parameters(notebook), table.parameters
    if not parameters:
        parameters = declared_parameters(table.parameters, where=f"[stages.{name}]")
        # Nothing in the notebook sets them, so their defaults are injected like values that were given.
        preset = {one.name: one.default for one in parameters if one.has_known_default}
    for one in parameters:
        if one.name in table.inputs or one.name in table.outputs:
            raise PipelineError(
                f"'{one.name}' in [stages.{name}] is a parameter, which its notebook declares already",
                remedy=f"set it under [stages.{name}.parameters]",
            )
    return bind(parameters, {**preset, **given}, where=f"stage '{name}'")


def _declared(notebook: Notebook, binding: Binding, role: ParameterRole) -> Iterator[tuple[str, str, str]]:
    """Name, path as written, and the folder it is relative to, of the parameters in a role; None names no data."""
    folder = os.path.dirname(notebook.path)  # noqa: PTH120 - as in Places
    for parameter in binding.parameters:
        if parameter.role is role:
            for written in _paths(binding.values.get(parameter.name)):
                yield parameter.name, written, folder


def _paths(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)
    elif value is not None:
        yield str(value)


def _data(
    stage: str, places: Places, declared: Iterator[tuple[str, str, str]], table: Mapping[str, str]
) -> tuple[DataPath, ...]:
    """What the notebook declares, relative to its folder, and what the settings add, relative to the root."""
    found: dict[str, DataPath] = {}
    for name, written, folder in (*declared, *((name, written, places.root) for name, written in table.items())):
        if not written.strip():
            raise PipelineError(
                f"parameter '{name}' of stage '{stage}' names no path", remedy=f"give '{name}' a path, or None"
            )
        one = places.data(name, written, folder)
        found.setdefault(one.key, one)
    return tuple(found.values())


def _limits(settings: Settings, table: StageSettings) -> Limits:
    """A stage's own limits, unless a flag or the environment says otherwise: these beat the file."""

    def chosen(key: str) -> int | float | None:
        own: int | float | None = getattr(table, key)
        general: int | float | None = getattr(settings.limits, key)
        is_overruled = settings.sources.get(key, "").startswith(("flag", "environment"))
        return general if own is None or is_overruled else own

    return Limits(**{key: chosen(key) for key in Limits.__slots__})  # type: ignore[arg-type] # of the fields' own types
