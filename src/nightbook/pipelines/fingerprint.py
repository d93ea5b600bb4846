"""Fingerprints: all that decides a stage's result, in parts that people can read, and what changed between two."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import KernelError
from nightbook.notebooks.syntax import parse_cell
from nightbook.pipelines.distributions import Provided, distributions_of, site_folders
from nightbook.pipelines.kernels import find_kernel
from nightbook.pipelines.memory import Memory
from nightbook.pipelines.modules import NOTHING, ModuleFinder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nightbook.notebooks.document import SourceCell
    from nightbook.pipelines.digests import FileDigests
    from nightbook.pipelines.modules import Used
    from nightbook.pipelines.stage import DataPath, Stage
    from nightbook.settings import Settings

MODULE = "module"
CELL = "code cell"
UNREAD = "not digested"
_FORMAT = "nightbook fingerprint 1"
_MOST_SOURCES = 5000
_MOST_ENVIRONMENTS = 4
_SHOWN = 60
_NAMING_MODULES = frozenset({"nightbook", "typing", "annotated_types"})
_VALUED = ("parameter", "distribution", "kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a run's result rests on.

    Attributes:
        digest: Over all parts.
        parts: A digest or a value by readable name: `code cell 3`, `parameter month`, `input data/raw/flights.parquet`,
            `module src/features.py`, `distribution pandas`, `kernel`. Code cells count from 1, as `In [3]` does.
        imports: What the notebook and the project's own modules import beyond themselves; no part of the digest.
        stand_ins: Which of the own modules stand in for installed ones of the same name; no part of the digest either.
    """

    digest: str
    parts: Mapping[str, str]
    imports: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()


class Fingerprinter:
    """Takes the fingerprints of one plan: it lists the module folders once, and is out of date when they change.

    Args:
        settings: The project.
        digests: Digests of files, remembered.
    """

    def __init__(self, settings: Settings, digests: FileDigests) -> None:
        self._root = settings.root
        self._digests = digests
        self._code = Memory[list[str]](settings.cache_folder / "code.json", most=_MOST_SOURCES)
        self._environments = Memory[Provided](settings.cache_folder / "distributions.json", most=_MOST_ENVIRONMENTS)
        folders = [settings.root / folder for folder in settings.module_paths]
        self._modules = ModuleFinder(folders, digests, self._code)
        self._sites: dict[str, tuple[str, ...]] = {}

    def of(self, stage: Stage, provided: Mapping[str, str] | None = None, awaited: Collection[str] = ()) -> Fingerprint:
        """The fingerprint that a run of the stage would have now.

        Args:
            stage: The stage with its values.
            provided: Parts that are known otherwise and take the place of reading: of outputs about to be restored, of
                URIs and stages whose content no digest shows.
            awaited: Parts that are left out: a stage that is still to run decides them.
        """
        parts = dict(self._own_parts(stage))
        known = provided or {}
        for data in stage.inputs:
            part = input_part(data)
            if part not in known and part not in awaited:
                parts[part] = (self._digests.digest(data.path) or "missing") if data.path else UNREAD
        used = self.used_by(stage)
        if used is not NOTHING:
            parts.update(self._environment_parts(stage, used))
        return replace(fingerprint_of({**parts, **known}), imports=used.imported, stand_ins=used.stand_ins)

    def save(self) -> None:
        """Keep what was learned for the next plan."""
        self._code.save()
        self._environments.save()

    def _own_parts(self, stage: Stage) -> Iterator[tuple[str, str]]:
        yield "kernel", stage.kernel_name
        parameters_cell = stage.notebook.parameters_cell if stage.language == "python" else None
        digests = zip(stage.notebook.code_cells, stage.notebook.code_digests, strict=True)
        for number, (cell, digest) in enumerate(digests, start=1):
            yield (
                f"{CELL} {number}",
                self._beside_parameters(cell, digest, stage) if cell is parameters_cell else digest,
            )
        for name, value in stage.binding.values.items():
            yield f"parameter {name}", _worded(value)

    def _beside_parameters(self, cell: SourceCell, digest: str, stage: Stage) -> str:
        """The digest of what else the `parameters` cell does: values count as parameters, help and types not at all."""
        valued = stage.binding.values.keys()
        key = f"{digest} beside {' '.join(valued)}"
        code = self._code.recall(key, lambda: list(_code_beside_parameters(cell.source, valued)))
        return hashlib.sha256("\n".join(code).encode("utf-8", "surrogatepass")).hexdigest()

    def used_by(self, stage: Stage) -> Used:
        """What the code of a stage rests on; nothing is known of languages other than Python."""
        notebook = stage.notebook
        if stage.language != "python":
            return NOTHING
        sources = {digest: cell.source for digest, cell in zip(notebook.code_digests, notebook.code_cells, strict=True)}
        return self._modules.used_by(sources, notebook.path.parent)

    def _environment_parts(self, stage: Stage, used: Used) -> Iterator[tuple[str, str]]:
        for file in used.files:
            yield f"{MODULE} {os.path.relpath(file, self._root)}", self._digests.digest(file)
        sites = self._site_folders(stage.kernel_name)
        versions = distributions_of(used.foreign, sites, self._environments)
        yield from ((f"distribution {name}", version) for name, version in sorted(versions.items()))
        yield "python", _python_version(sites)

    def _site_folders(self, kernel_name: str) -> tuple[str, ...]:
        if kernel_name not in self._sites:
            try:
                interpreter = find_kernel(kernel_name).interpreter
            except KernelError:
                # Only a stage that is to run needs its kernel; the plan says so then.
                interpreter = sys.executable
            self._sites[kernel_name] = site_folders(interpreter)
        return self._sites[kernel_name]


def stage_fingerprint(stage: Stage, settings: Settings, digests: FileDigests) -> Fingerprint:
    """The fingerprint that a run of one stage would have now; for many stages share one `Fingerprinter`."""
    return Fingerprinter(settings, digests).of(stage)


def fingerprint_of(parts: Mapping[str, str]) -> Fingerprint:
    """Digest parts; their order has no say."""
    text = json.dumps([_FORMAT, sorted(parts.items())])
    return Fingerprint(digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", parts=parts)


def input_part(data: DataPath) -> str:
    """The name of an input's part."""
    return f"input {data.uri}"


def modules_of(fingerprint: Fingerprint) -> tuple[str, ...]:
    """The project's own modules that a fingerprint covers, as paths relative to the root."""
    return tuple(name.removeprefix(f"{MODULE} ") for name in fingerprint.parts if name.startswith(f"{MODULE} "))


def stage_part(name: str) -> str:
    """The name of the part of a stage that the settings put before another."""
    return f"stage {name}"


def _code_beside_parameters(source: str, valued: Collection[str]) -> Iterator[str]:
    for statement in parse_cell(source).body:
        if _assigned(statement).isdisjoint(valued) and not _only_names(statement):
            yield ast.dump(statement)


def _assigned(statement: ast.stmt) -> set[str]:
    targets = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [statement.target]
        if isinstance(statement, ast.AnnAssign)
        else []
    )
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _only_names(statement: ast.stmt) -> bool:
    """It brings words for annotations, or is a text that stands alone."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module in _NAMING_MODULES
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _python_version(sites: tuple[str, ...]) -> str:
    found = [version[1] for folder in sites if (version := re.search(r"python(\d+\.\d+)", folder))]
    return found[0] if found else f"{sys.version_info.major}.{sys.version_info.minor}"


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """What changed, a short sentence each: code first, then the rest in the order of the parts."""
    names = dict.fromkeys(name for name in (*new, *old) if not name.startswith(f"{CELL} "))
    others = (_difference(name, old.get(name), new.get(name)) for name in names)
    return (*_cell_differences(_cells(old), _cells(new)), *filter(None, others))


def _cells(parts: Mapping[str, str]) -> list[str]:
    numbers = (int(name.removeprefix(f"{CELL} ")) for name in parts if name.startswith(f"{CELL} "))
    return [parts[f"{CELL} {number}"] for number in sorted(numbers)]


def _cell_differences(old: list[str], new: list[str]) -> Iterator[str]:
    """Cells are matched by content, so that a cell put in does not make all behind it look changed."""
    for _, old_from, old_to, new_from, new_to in (
        step for step in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if step[0] != "equal"
    ):
        common = min(old_to - old_from, new_to - new_from)
        yield from (f"{CELL} {new_from + number} changed" for number in range(1, common + 1))
        yield from (f"{CELL} {number} is new" for number in range(new_from + common + 1, new_to + 1))
        yield from (f"{CELL} {number} was removed" for number in range(old_from + common + 1, old_to + 1))


def _difference(name: str, old: str | None, new: str | None) -> str:
    if old == new:
        return ""
    is_valued = name.startswith(_VALUED) or name == "python"
    if old is None:
        return f"{name} is new" + (f" ({_short(new)})" if is_valued else "")
    if new is None:
        return f"{name} is no longer used"
    return f"{name} changed" + (f" from {_short(old)} to {_short(new)}" if is_valued else "")


def _worded(value: object) -> str:
    """As people write it, and different for values of different types: a text stands in quotes."""
    if isinstance(value, date):
        return value.isoformat()
    return f"Path({str(value)!r})" if isinstance(value, Path) else repr(value)


def _short(value: str | None) -> str:
    text = value or ""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
