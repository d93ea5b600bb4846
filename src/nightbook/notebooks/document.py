"""A notebook file as a frozen value: its cells and tags, without outputs; no Jupyter library is loaded for an `.ipynb`.

Planning a pipeline reads every notebook of a project, so this path stays at `json` and a few dictionaries.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nightbook.errors import NotebookError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARAMETERS_TAG = "parameters"
_OLDEST_FORMAT = 4
_MOST_READ = 256
_READ: dict[tuple[Path, bytes], Notebook] = {}
"""What files were understood as, by their bytes: a sweep looks at each notebook again for each of its sets."""
_LANGUAGE_OF_KERNEL = {"": "python", "ir": "R", "xpython": "python", "xeus-python": "python"}


class CellKind(StrEnum):
    """The three kinds of cell that nbformat 4 knows."""

    CODE = "code"
    MARKDOWN = "markdown"
    RAW = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCell:
    """One cell as its author wrote it; `index` counts all cells of the notebook from 0."""

    index: int
    kind: CellKind
    source: str
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """A notebook as source: what it is before it runs.

    Attributes:
        path: The file it was read from.
        content: Its nbformat 4 JSON; code cells have no outputs and no execution count.
        cells: Its cells in order.
        kernel_name: The kernel that its metadata names, empty when it names none.
        language: The kernel's language, `python` when the metadata does not say.
    """

    path: Path
    content: Mapping[str, object]
    cells: tuple[SourceCell, ...]
    kernel_name: str = ""
    language: str = "python"

    @property
    def code_cells(self) -> tuple[SourceCell, ...]:
        """The cells that run, in order."""
        return tuple(cell for cell in self.cells if cell.kind is CellKind.CODE)

    @cached_property
    def code_digests(self) -> tuple[str, ...]:
        """The SHA-256 of each code cell's source; outputs, metadata, ids and markdown have no say."""
        return tuple(sha256(cell.source.encode("utf-8", "surrogatepass")).hexdigest() for cell in self.code_cells)

    @property
    def parameters_cell(self) -> SourceCell | None:
        """The code cell tagged `parameters`; reading the file made sure that there is one at most."""
        return next((cell for cell in self.code_cells if PARAMETERS_TAG in cell.tags), None)


def read_notebook(path: Path) -> Notebook:
    """Read an `.ipynb` file, or a `.py` or `.md` file in one of jupytext's formats.

    Raises:
        NotebookError: The file is missing, is no notebook, is of an old format or has two `parameters` cells.
    """
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        message = f"there is no notebook {path}"
        raise NotebookError(message, remedy=_similar_file(path)) from None
    except IsADirectoryError:
        message = f"{path} is a folder, not a notebook"
        raise NotebookError(message, remedy="name an .ipynb, .py or .md file") from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise NotebookError(message, remedy="see who may read it") from None
    key = path, sha256(source).digest()
    notebook = _READ.get(key)
    if notebook is None:
        notebook = notebook_from_bytes(path, source)
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        _READ[key] = notebook
    return notebook


def notebook_from_bytes(path: Path, source: bytes) -> Notebook:
    """Read a notebook from bytes in hand, such as a frozen source; `path` tells the format and where it came from.

    Raises:
        NotebookError: As `read_notebook`.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        ending = f"its name ends in '{path.suffix}'" if path.suffix else "its name has no ending"
        message = f"{path} is not a notebook: {ending}"
        raise NotebookError(message, remedy="name an .ipynb, .py or .md file")
    content = reader(path, source)
    cells = content["cells"] = [_without_outputs(cell) for cell in _raw_cells(path, content)]
    metadata = _mapping(content.get("metadata"))
    kernel_name, language = _kernel(metadata)
    notebook = Notebook(
        path=path,
        content=content,
        cells=tuple(_source_cell(path, index, cell) for index, cell in enumerate(cells)),
        kernel_name=kernel_name,
        language=language,
    )
    _refuse_two_parameters_cells(notebook)
    return notebook


def _read_ipynb(path: Path, source: bytes) -> dict[str, object]:
    try:
        content = json.loads(source)
    except json.JSONDecodeError as error:
        what = "is empty" if not source.strip() else "is not valid JSON"
        message = f"{path} {what}: {error.msg} (line {error.lineno}, column {error.colno})"
        raise NotebookError(message, remedy="restore the file, for instance with `git checkout`") from None
    except UnicodeDecodeError as error:
        message = f"{path} is not a notebook: it is no UTF-8 text (byte {error.start})"
        raise NotebookError(message, remedy="save it as UTF-8") from None
    except RecursionError:
        message = f"{path} is not a notebook: its JSON is nested too deeply"
        raise NotebookError(message) from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        message = f"{path} is not a notebook: it is JSON, but has no 'nbformat'"
        raise NotebookError(message, remedy="open it in JupyterLab to see what it is")
    if content["nbformat"] < _OLDEST_FORMAT:
        message = f"{path} is in notebook format {content['nbformat']}; Nightbook reads format 4"
        raise NotebookError(message, remedy=f"jupyter nbconvert --to notebook --inplace {shlex.quote(str(path))}")
    if content["nbformat"] > _OLDEST_FORMAT:
        message = f"{path} is in notebook format {content['nbformat']}, which is newer than this program"
        raise NotebookError(message, remedy="pip install --upgrade nightbook")
    return cast("dict[str, object]", content)


def _read_text(path: Path, source: bytes) -> dict[str, object]:
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is not a notebook: it is no UTF-8 text (byte {error.start})"
        raise NotebookError(message) from None
    jupytext = import_module("jupytext")
    try:
        document = jupytext.reads(text, fmt=path.suffix.lower().removeprefix("."))
    except (ValueError, KeyError, SyntaxError) as error:
        message = f"{path} cannot be read as a notebook: {error}"
        raise NotebookError(message, remedy=f"jupytext --to ipynb {path}") from None
    content = cast("dict[str, object]", json.loads(json.dumps(document)))
    # jupytext invents new cell ids at each reading; the same file must give the same notebook.
    for index, cell in enumerate(_raw_cells(path, content)):
        cell["id"] = f"cell-{index}"
    return content


_READERS: Mapping[str, Callable[[Path, bytes], dict[str, object]]] = {
    ".ipynb": _read_ipynb,
    ".py": _read_text,
    ".md": _read_text,
}


def _raw_cells(path: Path, content: Mapping[str, object]) -> list[dict[str, object]]:
    cells = content.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        message = f"{path} is not a notebook: it has no list of cells"
        raise NotebookError(message, remedy="open it in JupyterLab and save it again")
    return cells


def _without_outputs(cell: dict[str, object]) -> dict[str, object]:
    if cell.get("cell_type") != CellKind.CODE:
        return cell
    return {**cell, "outputs": [], "execution_count": None}


def _source_cell(path: Path, index: int, cell: Mapping[str, object]) -> SourceCell:
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    kind = cell.get("cell_type")
    if not isinstance(source, str) or not isinstance(kind, str) or kind not in set(CellKind):
        message = f"{path} is not a notebook: its cell {index} has no source or an unknown type ({kind!r})"
        raise NotebookError(message, remedy="open it in JupyterLab and save it again")
    tags = _mapping(cell.get("metadata")).get("tags")
    words = frozenset(str(tag) for tag in tags) if isinstance(tags, list) else frozenset[str]()
    return SourceCell(index=index, kind=CellKind(kind), source=source, tags=words)


def _kernel(metadata: Mapping[str, object]) -> tuple[str, str]:
    """The kernel's name and language; a text notebook says its language under `jupytext` only."""
    kernelspec = _mapping(metadata.get("kernelspec"))
    name = str(kernelspec.get("name") or "")
    language = (
        _mapping(metadata.get("language_info")).get("name")
        or kernelspec.get("language")
        or _mapping(metadata.get("jupytext")).get("main_language")
    )
    if not language:
        word = name.partition("-")[0]
        language = "python" if word.startswith("python") else _LANGUAGE_OF_KERNEL.get(word, word)
    words = str(language)
    return name, "python" if words.lower() in {"python", "ipython", "python3"} else words


def _refuse_two_parameters_cells(notebook: Notebook) -> None:
    tagged = [str(cell.index) for cell in notebook.code_cells if PARAMETERS_TAG in cell.tags]
    if len(tagged) > 1:
        message = f"{notebook.path} has {len(tagged)} cells tagged 'parameters' (cells {', '.join(tagged)})"
        raise NotebookError(message, remedy="keep the tag on one cell; move the other parameters there")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _similar_file(path: Path) -> str:
    """A file beside it that has the same stem, or the notebooks that are there."""
    folder = path.parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist either"
    names = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in _READERS)
    same = [name for name in names if Path(name).stem == path.stem]
    if same:
        return f"did you mean '{same[0]}'?"
    return f"notebooks there: {', '.join(names[:10])}" if names else "give the path from where you are"
