"""Which leading cells of a notebook are the same for all sets of a sweep, decided by reading; nothing is executed.

In doubt a cell is not shared: that costs time, while sharing what differs would give a wrong result. Not seen are code
that hides on purpose, what installed libraries do within, and values: `random_state=seed` counts as a seed.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from nightbook.notebooks.document import PARAMETERS_TAG
from nightbook.pipelines.effects import notes_on, own_effect, own_import
from nightbook.pipelines.magics import CellCode, read_code, unknown_magic
from nightbook.pipelines.memory import Memory
from nightbook.pipelines.mentions import is_main_idiom, namespace_reading, reflection, varied_mention, word_mention
from nightbook.pipelines.modules import ModuleFinder, added_folders
from nightbook.pipelines.randomness import draws_in, is_seeded, possible_seeds, seeds_in
from nightbook.pipelines.uses import Origins, uses_in

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from nightbook.notebooks.document import SourceCell
    from nightbook.pipelines.digests import FileDigests
    from nightbook.pipelines.stage import Stage
    from nightbook.settings import Settings

_SKIPPED_TAGS = frozenset({"skip-execution", "injected-parameters"})
_TIMED_NOTE = "measures time: all sets show how long it took once"
_START = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """Whether one code cell runs once for all sets.

    Attributes:
        index: Its position among all cells of the source notebook, from 0.
        is_shared: Whether it and all before it are the same for all sets.
        reason: Why it is not shared, in words for the notebook's author; empty when it is.
        notes: What a reader must know although it is shared.
    """

    index: int
    is_shared: bool
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def explanation(self) -> str:
        """The reason or the notes in one line; empty for a cell that is shared without more ado."""
        return self.reason or "; ".join(self.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where a sweep's sets part.

    Attributes:
        cells: Every code cell that would execute, in order; none for a notebook in another language.
        reason: Why nothing is shared; empty when something is.
        seeded: The global generators that the shared cells may have seeded: `numpy`, `random`, `torch`. Every fork must
            go on with their states (Python seeds its own anew in a fork, so its state must be put back). The others
            must be seeded anew in every fork, as new processes would be.
    """

    cells: tuple[CellVerdict, ...]
    reason: str = ""
    seeded: tuple[str, ...] = ()

    @property
    def shared(self) -> tuple[int, ...]:
        """The indices of the leading cells that run once for all sets; none when there is nothing worth sharing."""
        return () if self.reason else tuple(cell.index for cell in self.cells if cell.is_shared)

    @property
    def parting(self) -> CellVerdict | None:
        """The first cell that runs for each set; None when every cell is shared."""
        return next((cell for cell in self.cells if not cell.is_shared), None)

    @property
    def summary(self) -> str:
        """The split in one sentence."""
        shared, parting = self.shared, self.parting
        if not shared:
            return f"nothing is shared: {self.reason}"
        span = f"cell {shared[0]} runs" if len(shared) == 1 else f"cells {shared[0]} to {shared[-1]} run"
        if parting is None:
            return f"{span} once for all sets: no cell depends on what varies"
        return f"{span} once for all sets; from cell {parting.index} on each set runs its own: it {parting.reason}"


def split_stage(stage: Stage, settings: Settings, digests: FileDigests, varied: Collection[str]) -> Split:
    """The split of one stage; for many share a `ModuleFinder` and call `split`."""
    folders = [settings.root / folder for folder in settings.module_paths]
    memory = Memory[list[str]](settings.cache_folder / "code.json")
    return split(stage, varied, ModuleFinder(folders, digests, memory))


def split(stage: Stage, varied: Collection[str], modules: ModuleFinder) -> Split:
    """Decide which leading cells can run once, before the process is forked for each set.

    Args:
        stage: The stage that is swept.
        varied: The names of the parameters that differ between the sets. In a sweep the paths of the outputs differ as
            well, so they belong to these.
        modules: Finds the project's own modules.
    """
    if stage.language != "python":
        return Split(cells=(), reason=f"the notebook is in {stage.language}; only Python can be judged")
    reader = _Reader(varied, modules, stage.notebook.path.parent)
    verdicts = list[CellVerdict]()
    parting: int | None = None
    for cell in stage.notebook.code_cells:
        if cell.tags & _SKIPPED_TAGS:
            continue
        if parting is not None:
            verdicts.append(CellVerdict(index=cell.index, is_shared=False, reason=f"after cell {parting}"))
            continue
        reason, notes = reader.judge(cell)
        verdicts.append(CellVerdict(index=cell.index, is_shared=not reason, reason=reason, notes=notes))
        if reason:
            parting = cell.index
    if reader.has_work:
        return Split(cells=tuple(verdicts), seeded=reader.seeded)
    return Split(cells=tuple(verdicts), reason=_why_nothing(verdicts))


def _why_nothing(verdicts: list[CellVerdict]) -> str:
    parting = next((one for one in verdicts if not one.is_shared), None)
    if parting is None:
        return "no cell does more than declare parameters"
    return f"the first cell that does something, cell {parting.index}, {parting.reason}"


class _Reader:
    """Judges one cell after the other, as long as all are shared; each builds on what those before defined.

    Args:
        varied: The names of the parameters that differ.
        modules: Finds the project's own modules.
        folder: The notebook's, where it runs.

    Attributes:
        has_work: Whether a shared cell does more than declare parameters.
    """

    def __init__(self, varied: Collection[str], modules: ModuleFinder, folder: Path) -> None:
        self.has_work = False
        self._varied = frozenset(varied)
        self._modules = modules
        self._folder = folder
        self._origins = Origins()
        self._seeded: dict[str, tuple[int, int]] = {}
        self._possibly_seeded: set[str] = set()
        self._sources: dict[str, str] = {}
        self._files: set[Path] = set()

    @property
    def seeded(self) -> tuple[str, ...]:
        """The global generators that the shared cells so far may have seeded."""
        return tuple(sorted(self._possibly_seeded))

    def judge(self, cell: SourceCell) -> tuple[str, tuple[str, ...]]:
        """Why a cell is not shared, empty when it is, and the notes when it is."""
        try:
            code = read_code(cell.source)
        except SyntaxError as error:
            return f"cannot be read as Python ({error.msg})", ()
        self._origins.learn(code.tree)
        tree = _declared_values(code.tree) if PARAMETERS_TAG in cell.tags else code.tree
        seeds = seeds_in(tree, self._origins)
        effects = _Effects(tree, self._origins, {**seeds, **self._seeded})
        reason = (
            varied_mention(tree, self._varied)
            or self._reason_of_magics(code)
            or reflection(tree, self._origins)
            or effects.reason
            or _path_change(tree, code.source, self._origins)
        )
        if reason:
            return reason, ()
        reason, notes = self._judge_modules(code.source)
        if reason:
            return reason, ()
        self.has_work = self.has_work or bool(code.tree.body and PARAMETERS_TAG not in cell.tags)
        self._seeded.update(dict.fromkeys(seeds, _START))
        self._possibly_seeded |= effects.seeds
        timed = [_TIMED_NOTE] if code.is_timed else []
        return "", (*timed, *effects.notes, *notes)

    def _reason_of_magics(self, code: CellCode) -> str:
        is_foreign = code.magics and not code.tree.body
        mention = word_mention([code.source] if is_foreign else code.magics, self._varied)
        return mention or unknown_magic(code, self._origins.bound)

    def _judge_modules(self, source: str) -> tuple[str, list[str]]:
        """Judge the project's own modules that a cell is the first to import, and what they import."""
        self._sources[sha256(source.encode("utf-8", "surrogatepass")).hexdigest()] = source
        notes = list[str]()
        for file in self._modules.used_by(self._sources, self._folder).files:
            if file not in self._files:
                self._files.add(file)
                name = os.path.relpath(file, self._folder)
                reason, own_notes = self._judge_module(file)
                if reason:
                    return f"imports {name}, which {reason}", []
                notes += [f"imports {name}, which {note}" for note in own_notes]
        return "", notes

    def _judge_module(self, file: Path) -> tuple[str, list[str]]:
        try:
            tree = _as_imported(ast.parse(file.read_bytes()))
        except (SyntaxError, ValueError, OSError, RecursionError):
            return "cannot be read as Python", []
        origins = Origins()
        origins.learn(tree)
        effects = _Effects(tree, origins, {**seeds_in(tree, origins), **self._seeded})
        reason = namespace_reading(tree) or effects.reason or _path_change(tree, "", origins)
        self._possibly_seeded |= effects.seeds
        return reason, effects.notes


class _Effects:
    """What code does beside computing.

    Attributes:
        reason: Why it must run for each set; empty when it need not.
        notes: What a reader must know.
        seeds: The global generators that it may seed.
    """

    def __init__(self, tree: ast.Module, origins: Origins, seeded: dict[str, tuple[int, int]]) -> None:
        uses = sorted(uses_in(tree, origins), key=lambda use: use.position)
        self.notes = list(dict.fromkeys(note for use in uses for note in notes_on(use)))
        self.seeds = frozenset[str]().union(*map(possible_seeds, uses))
        owned = filter(None, map(own_effect, uses))
        draws = (draw.reason for use, draw in draws_in(tree, origins) if not is_seeded(draw, use, seeded))
        self.reason = own_import(tree) or next(owned, "") or next(draws, "")


def _as_imported(tree: ast.Module) -> ast.Module:
    """A module without what it does only when it is run as a program."""
    is_program = [isinstance(one, ast.If) and not one.orelse and is_main_idiom(one.test) for one in tree.body]
    body = [one for one, is_left_out in zip(tree.body, is_program, strict=True) if not is_left_out]
    return ast.Module(body=body, type_ignores=[])


def _path_change(tree: ast.Module, source: str, origins: Origins) -> str:
    """Why it cannot be known where later imports look; empty when all changes of `sys.path` are read."""
    read = set(added_folders(source))
    for use in uses_in(tree, origins):
        if not f"{use.path}.".startswith("sys.path."):
            continue
        added = use.call.args[-1:] if use.call is not None else []
        if not added or not isinstance(added[0], ast.Constant) or added[0].value not in read:
            return "changes sys.path to what is known only when it runs: the modules there cannot be judged"
    return ""


def _declared_values(tree: ast.Module) -> ast.Module:
    """The `parameters` cell without the names that it assigns and without texts: both are replaced in every run."""
    body = list[ast.stmt]()
    for statement in tree.body:
        parts = _declaration(statement)
        body += [ast.Expr(value=_without_texts(part)) for part in parts] or [statement]
    return ast.Module(body=body, type_ignores=[])


def _declaration(statement: ast.stmt) -> list[ast.expr]:
    """Value and annotation of a declaration; nothing for another statement."""
    match statement:
        case ast.Assign(targets=[ast.Name()], value=value):
            return [value]
        case ast.AnnAssign(target=ast.Name(), value=value, annotation=annotation):
            return [annotation] if value is None else [annotation, value]
        case _:
            return []


def _without_texts(tree: ast.expr) -> ast.expr:
    """Its texts emptied in place: the tree is read for this purpose only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return tree
