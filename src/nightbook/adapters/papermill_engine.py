"""The fork engine for everybody who uses papermill: `papermill --engine nightbook`, Airflow's operator, a program.

papermill loads this module itself, by its entry point, while it is being imported: what is heavy waits for the first
notebook.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from papermill.engines import NotebookExecutionManager

    from nightbook.pipelines.modules import ModuleFinder, Used
    from nightbook.runs.warm.forked_kernel import ForkedKernelManager

STARTUP_SECONDS = 60


class ForkEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """papermill's own engine with a kernel from a warm parent, where one can be had; else with Jupyter's."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        execution_timeout: int | None = None,
        start_timeout: int = STARTUP_SECONDS,
        **options: Any,  # noqa: ANN401 - papermill's signature
    ) -> object:
        """Execute the notebook; what it shows is put into the manager's notebook."""
        kernel, reason = fork_for(kernel_name, [cell.source for cell in nb_man.nb.cells if cell.cell_type == "code"])
        if kernel is None:
            logger.info("nightbook: Jupyter's kernel is used: %s", reason)
            return super().execute_managed_notebook(
                nb_man, kernel_name, execution_timeout=execution_timeout, start_timeout=start_timeout, **options
            )
        kept = {name: value for name, value in options.items() if name not in {"input_path", "timeout"}}
        client = PapermillNotebookClient(
            nb_man,
            km=kernel,
            kernel_name=kernel_name,
            timeout=execution_timeout or options.get("timeout"),
            log=logger,
            **kept,
        )
        client.owns_km = True
        return client.execute()


def fork_for(kernel_name: str, sources: Iterable[str]) -> tuple[ForkedKernelManager | None, str]:
    """A forked kernel for a notebook; or None and why there is none."""
    if not sys.platform.startswith("linux"):
        return None, "forks need Linux"
    kernel = import_module("nightbook.pipelines.kernels").find_kernel(kernel_name)
    if not kernel.is_plain:
        return None, f"the kernel '{kernel_name}' has an environment of its own, or is not Python"
    used = _used_by(sources)
    if reason := import_module("nightbook.pipelines.stand_ins").reason_of(used.stand_ins):
        return None, reason
    places, kernels = import_module("nightbook.runs.warm.places"), import_module("nightbook.runs.warm.kernels")
    isolation, containment = import_module("nightbook.runs.warm.isolation"), import_module("nightbook.runs.containment")
    folder = str(Path.cwd())
    refusal = import_module("nightbook.runs.warm.orders").RefusalError
    try:
        ends = kernels.fork_kernel(
            places.place_of(places.KERNEL, os.environ, root=folder),
            isolation.present_surroundings(),
            containment.choose_containment(),
            imports=kernels.Imports(now=used.imported),
            log=2,
        )
    except refusal as error:
        return None, str(error)
    except import_module("nightbook.errors").StorageError:
        ends = None
    if ends is None:
        return None, "no warm process could be had"
    return import_module("nightbook.runs.warm.forked_kernel").ForkedKernelManager(ends), ""


def _used_by(sources: Iterable[str]) -> Used:
    """What a notebook imports, and modules beside it; nothing is remembered for another time."""
    nowhere, pipelines = Path(os.devnull), "nightbook.pipelines"
    digests = import_module(f"{pipelines}.digests").FileDigests(nowhere)
    memory = import_module(f"{pipelines}.memory").Memory(nowhere)
    finder: ModuleFinder = import_module(f"{pipelines}.modules").ModuleFinder([], digests, memory)
    return finder.used_by({source: source for source in sources}, Path.cwd())
