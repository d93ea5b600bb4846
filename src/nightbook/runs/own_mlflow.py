"""Runs within a Python kernel whose notebook uses MLflow: its own calls land in the run that is there already.

MLflow itself takes `MLFLOW_RUN_ID` for the first run that a program starts, and only without `set_experiment`; a second
fit under `mlflow.autolog()` would open a run of its own. The runner executes this file's source silently before the
first cell, so it needs nothing but the standard library, and imports MLflow only when the notebook does.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_RUN = "MLFLOW_RUN_ID"
_TRACKING = "MLFLOW_TRACKING_URI"
_AUTOLOGGED = "mlflow.autologging"


class RunsOfANotebook:
    """Takes the place of MLflow's `start_run`.

    Plain calls and autologging go into the notebook's run, however often. So does the first run that the notebook
    starts itself; those that it starts later are its children, since who starts several wants several.

    Args:
        mlflow: The module, just imported.
        run_id: The notebook's run.
        tracking_uri: The MLflow that has it; a notebook that turns to another one is left alone.
    """

    def __init__(self, mlflow: Any, run_id: str, tracking_uri: str) -> None:  # noqa: ANN401 - MLflow's own module
        self._mlflow = mlflow
        self._fluent: Any = sys.modules["mlflow.tracking.fluent"]
        self._start: Callable[..., Any] = self._fluent.start_run
        self._run_id = run_id
        self._tracking_uri = tracking_uri
        self._is_used = False

    def install(self) -> None:
        """Put it where the notebook, autologging and MLflow's own plain calls look."""

        @functools.wraps(self._start)
        def start_run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as `start_run`
            return self.start(*arguments, **options)

        @functools.wraps(self._start)
        def start_run_of_plain_call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as `start_run`
            return self.start_plain(*arguments, **options)

        self._mlflow.start_run = start_run
        self._fluent.start_run = start_run_of_plain_call

    def start_plain(self, run_id: str | None = None, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as `start_run`
        """What `mlflow.log_metric` and its like call when no run is active."""
        if run_id is not None or not self._is_ours(options):
            return self._start(run_id, *arguments, **options)
        return self._resume(options)

    def start(self, run_id: str | None = None, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as `start_run`
        """What the notebook itself, or autologging, calls."""
        if run_id is not None or not self._is_ours(options):
            return self._start(run_id, *arguments, **options)
        if not self._is_used or _AUTOLOGGED in (options.get("tags") or {}):
            return self._resume(options)
        return self._in_its_experiment(self._start, *(None, *arguments), **{"parent_run_id": self._run_id, **options})

    def _is_ours(self, options: dict[str, Any]) -> bool:
        if self._mlflow.get_tracking_uri() != self._tracking_uri:
            # The run is not there; MLflow would look for it.
            os.environ.pop(_RUN, None)
            return False
        return not options.get("nested") and self._mlflow.active_run() is None

    def _resume(self, options: dict[str, Any]) -> Any:  # noqa: ANN401 - an `ActiveRun`
        self._is_used = True
        kept = {name: value for name, value in options.items() if name not in {"experiment_id", "run_name"}}
        return self._in_its_experiment(self._start, self._run_id, **kept)

    def _in_its_experiment(self, start: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - an `ActiveRun`
        """With what `set_experiment` said set aside: MLflow refuses a run of another experiment."""
        if len(arguments) < 2 and options.get("experiment_id") is None and options.get("parent_run_id"):  # noqa: PLR2004 - run and experiment
            parent = self._mlflow.MlflowClient().get_run(options["parent_run_id"])
            options["experiment_id"] = parent.info.experiment_id
        before = getattr(self._fluent, "_active_experiment_id", None)
        self._fluent._active_experiment_id = None  # noqa: SLF001 - there is no public way
        try:
            return start(*arguments, **options)
        finally:
            self._fluent._active_experiment_id = before  # noqa: SLF001 - as above


class AfterImport(MetaPathFinder, Loader):
    """Calls a function with a module right after its import, whenever that is."""

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._call = call
        self._loader: Any = None
        self._is_asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find what the others find."""
        del path, target
        if fullname != self._name or self._is_asking:
            return None
        self._is_asking = True
        try:
            spec = find_spec(fullname)
        finally:
            self._is_asking = False
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the real loader."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Import it, then call."""
        sys.meta_path.remove(self)
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._call(module)


def keep_in(run_id: str, tracking_uri: str) -> None:
    """Have MLflow's calls of this process land in a run, from the moment that MLflow is imported."""
    sys.meta_path.insert(
        0, AfterImport("mlflow", lambda mlflow: RunsOfANotebook(mlflow, run_id, tracking_uri).install())
    )


if __name__ == "__main__" and _RUN in os.environ and "mlflow" not in sys.modules:
    keep_in(os.environ[_RUN], os.environ[_TRACKING])
