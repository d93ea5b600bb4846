"""What a run takes along: the project's files through the executor, the data that it reads through the store."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import PipelineError
from nightbook.files import write_atomically
from nightbook.notebooks.revealed import references_in
from nightbook.pipelines.archive import Archivist
from nightbook.pipelines.store import ContentStore
from nightbook.plugins.executors import Cargo
from nightbook.runs.away.environment import environment_digest, environment_listing
from nightbook.runs.away.order import Order, order_for
from nightbook.runs.request import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nightbook.pipelines.stage import Stage
    from nightbook.runs.request import ExecutionRequest
    from nightbook.settings import Settings


class Packer:
    """Packs for the runs of one command; what was packed once is not packed again.

    Args:
        settings: The project.

    Raises:
        SettingsError: The store's kind of place is not known.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._left_out: frozenset[Path] = frozenset()
        self._archivist: Archivist | None = None
        self._kept: set[str] = set()
        self._lock = threading.Lock()
        self.store = ContentStore(settings.store)

    def leave_out(self, stages: Iterable[Stage]) -> None:
        """Say which stages there are: their data and the files of their secrets do not travel with the project."""
        stages = tuple(stages)
        made = {one.path for stage in stages for one in stage.outputs if one.path is not None}
        read = {one.path for stage in stages for one in stage.inputs if one.path is not None and _is_data(one.path)}
        secret = {path for stage in stages for path in _secret_files(stage)}
        with self._lock:
            self._left_out |= made | read | secret

    def pack(self, stage: Stage, request: ExecutionRequest) -> tuple[Order, Cargo]:
        """Make the order of a run, and see to it that the store has what it reads.

        Raises:
            PipelineError: The project is too large to travel, or something of it is out of a worker's reach.
            StorageError: The store cannot be written.
        """
        self.leave_out((stage,))
        environment = self._keep_environment(request)
        source = (Path(request.folder) / SOURCE).read_text(encoding="utf-8", errors="surrogatepass")
        order = order_for(stage, request, source, environment)
        for data, pin in zip(stage.inputs, request.inputs, strict=True):
            if data.path is not None and pin.digest and pin.digest not in self._kept:
                self.store.put(data.path, pin.digest)
                self._kept.add(pin.digest)
        return order, self._cargo(stage, request)

    def _cargo(self, stage: Stage, request: ExecutionRequest) -> Cargo:
        with self._lock:
            stay = frozenset({*self._left_out, self._settings.state, Path(self._settings.store)})
            if self._archivist is None or self._archivist.left_out != stay:
                limit = self._settings.archive_limit_bytes
                self._archivist = Archivist(self._settings.root, limit_bytes=limit, left_out=stay)
            archive = self._archivist.pack()
        missing = sorted(uri for uri in request.modules if uri not in archive.names)
        if missing:
            raise PipelineError(
                f"stage '{stage.name}' imports {', '.join(missing)}, which does not go to workers",
                remedy="take it out of .gitignore, or install it on the workers",
            )
        return Cargo(digest=archive.digest, content=archive.content)

    def _keep_environment(self, request: ExecutionRequest) -> str:
        """Put the list of what is installed into the store; a worker that does not find it there sees another store."""
        listing = environment_listing(request.kernel_name, self._settings.cache_folder)
        digest = environment_digest(listing)
        if digest not in self._kept:
            file = self._settings.cache_folder / f"environment-{digest[-12:]}.txt"
            write_atomically(file, listing)
            self.store.put(file, digest)
            self._kept.add(digest)
        return digest


def _is_data(path: Path) -> bool:
    """What is read as data and is no code: a folder of modules may be an input, too."""
    return path.suffix != ".py" if not path.is_dir() else next(path.rglob("*.py"), None) is None


def _secret_files(stage: Stage) -> tuple[Path, ...]:
    """Files behind `file:PATH`, wherever the notebook mentions one."""
    found = []
    mentioned = references_in(cell.source for cell in stage.notebook.code_cells) if stage.language == "python" else ()
    for reference in (*stage.binding.secrets, *mentioned):
        kind, _, place = reference.partition(":")
        if kind == "file" and not place.startswith("~"):
            found.append(stage.notebook.path.parent / place)
    return tuple(found)
