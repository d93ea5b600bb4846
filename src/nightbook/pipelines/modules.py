"""The project's own modules that a notebook imports, and theirs, found by reading; nothing is imported."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.notebooks.syntax import parse_cell
from nightbook.pipelines.stand_ins import find_stand_ins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nightbook.pipelines.digests import FileDigests
    from nightbook.pipelines.memory import Memory

_RUN_MAGIC = re.compile(r"^\s*%run\s+(?:-\w+\s+)*(?:\"([^\"]+)\"|'([^']+)'|(\S+))", re.MULTILINE)
_PATH_CHANGE = re.compile(r"\bsys\.path\.(?:append|insert)\(\s*(?:\d+\s*,\s*)?[\"']([^\"']+)[\"']")
_INIT = "__init__"
# What the notebook declares itself with: upgrading the program must not make every result of every project old.
_OWN_NAME = "nightbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a notebook's code rests on.

    Attributes:
        files: Own modules, transitively, and scripts named by `%run`, sorted.
        foreign: Top-level names of all other imports, of the own modules too, sorted.
        imported: The same in full, as far as code says it: `a.b.c` may be a module or something that `a.b` holds.
        stand_ins: Top-level names of own modules that are found before installed ones of these names, sorted.
    """

    files: tuple[Path, ...]
    foreign: tuple[str, ...]
    imported: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()


NOTHING = Used(files=(), foreign=())


def imported_names(tree: ast.AST, package: str = "") -> list[str]:
    """The dotted names that code may import anywhere, sorted; `from a import b` gives `a.b` too, as b may be a module.

    Args:
        tree: The code.
        package: The package it lies in, against which relative imports are resolved.
    """
    return sorted(set(_imports(tree, package)))


def added_folders(source: str) -> list[str]:
    """The folders that code puts on `sys.path` in so many words."""
    return _PATH_CHANGE.findall(source)


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join(filter(None, [*kept, base]))
            if base:
                yield base
            yield from (f"{base}.{one.name}".lstrip(".") for one in node.names if one.name != "*")
        elif isinstance(node, ast.Call) and node.args and _is_import_call(node.func):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and not name.value.startswith("."):
                yield name.value


def _is_import_call(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"import_module", "__import__"}


class ModuleFinder:
    """Finds the files behind imports; lists each folder once, so it serves one plan and is then out of date.

    Args:
        folders: Where own modules lie, in the order of `sys.path`.
        digests: Tells whether a file changed since its imports were read.
        memory: Imports by the digest of the cell or the module that holds them.
    """

    def __init__(self, folders: Iterable[Path], digests: FileDigests, memory: Memory[list[str]]) -> None:
        self._folders = tuple(folders)
        self._digests = digests
        self._memory = memory
        self._listings: dict[str, frozenset[str]] = {}

    def used_by(self, cells: Mapping[str, str], working_directory: Path) -> Used:
        """What a Python notebook uses.

        Args:
            cells: The sources of its code cells, by their digests.
            working_directory: The folder it runs in, which Python searches first.
        """
        names = set[str]()
        files = set[Path]()
        folders = [working_directory, *self._folders]
        for digest, source in cells.items():
            files.update(_scripts(source, working_directory))
            folders.extend(Path(os.path.normpath(working_directory / one)) for one in added_folders(source))
            # Most cells import nothing; parsing is what costs.
            if "import" in source:
                names.update(self._memory.recall(digest, partial(_imports_of_cell, source)))
        roots = tuple(dict.fromkeys(os.fspath(folder) for folder in folders))
        imported = set[str]()
        waiting, seen = sorted(names), set(names)
        for file in files:
            waiting.extend(self._imports_of_file(file, ""))
        while waiting:
            name = waiting.pop()
            seen.add(name)
            found = self._find(name, roots)
            if not found:
                imported.add(name)
            for file, package in found:
                if file not in files:
                    files.add(file)
                    waiting.extend(one for one in self._imports_of_file(file, package) if one not in seen)
        imported = {name for name in imported if name.partition(".")[0] != _OWN_NAME}
        foreign = {name.partition(".")[0] for name in imported}
        return Used(
            files=tuple(sorted(files)),
            foreign=tuple(sorted(foreign)),
            imported=tuple(sorted(imported)),
            stand_ins=self._stand_ins(seen, roots, cells, files),
        )

    def _stand_ins(
        self, names: Iterable[str], roots: tuple[str, ...], cells: Mapping[str, str], files: Iterable[Path]
    ) -> tuple[str, ...]:
        tops = {name.partition(".")[0] for name in names} - {_OWN_NAME}
        sources = chain(cells.values(), map(_text_of, files))
        return find_stand_ins(tops, roots, sources, self._listing)

    def _find(self, name: str, roots: tuple[str, ...]) -> list[tuple[Path, str]]:
        """The files that importing a dotted name runs, each with the package it lies in; none for a foreign name."""
        parts = name.split(".")
        if parts[0] == _OWN_NAME:
            return []
        for root in roots:
            found = self._find_below(root, parts)
            if found:
                return found
        return []

    def _find_below(self, root: str, parts: list[str]) -> list[tuple[Path, str]]:
        place, found = root, list[tuple[Path, str]]()
        for count, part in enumerate(parts, start=1):
            listing = self._listing(place)
            folder = f"{place}{os.sep}{part}"
            if part in listing and f"{_INIT}.py" in self._listing(folder):
                found.append((Path(folder, f"{_INIT}.py"), ".".join(parts[:count])))
            elif f"{part}.py" in listing:
                return [*found, (Path(f"{folder}.py"), ".".join(parts[: count - 1]))]
            elif part not in listing:
                break
            place = folder
        return found

    def _listing(self, folder: str) -> frozenset[str]:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))  # noqa: PTH208 - names only, and quicker
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _imports_of_file(self, file: Path, package: str) -> list[str]:
        key = f"{self._digests.digest(file)} {package}"
        return self._memory.recall(key, partial(_imports_of_module, file, package))


def _imports_of_cell(source: str) -> list[str]:
    try:
        return imported_names(parse_cell(source))
    except SyntaxError:
        # It will fail when it runs, which is the better place to say so.
        return []


def _imports_of_module(file: Path, package: str) -> list[str]:
    try:
        return imported_names(ast.parse(file.read_bytes()), package)
    except (SyntaxError, ValueError, OSError):
        return []


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _scripts(source: str, folder: Path) -> Iterator[Path]:
    if "%run" not in source:
        return
    for groups in _RUN_MAGIC.findall(source):
        file = folder / "".join(groups)
        for candidate in (file, file.with_name(f"{file.name}.py")):
            if candidate.is_file():
                yield Path(os.path.normpath(candidate))
                break
