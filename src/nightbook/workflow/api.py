"""The same by function: what `nightbook.run`, `nightbook.plan` and their like do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from nightbook.errors import ParameterError
from nightbook.records import Run, RunKind, RunStatus
from nightbook.settings import Settings, load_settings
from nightbook.workflow import planning
from nightbook.workflow.contact import open_ledger
from nightbook.workflow.parameter_sets import product_of
from nightbook.workflow.requests import RunRequest, SilentWatcher, SweepRequest
from nightbook.workflow.resume import resume as resume_run
from nightbook.workflow.run import run as run_request
from nightbook.workflow.sweep import sweep as sweep_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    import pandas as pd

    from nightbook.pipelines.plan import Plan
    from nightbook.workflow.requests import Watcher


class SweepOptions(TypedDict, total=False):
    """What a sweep has in common with a run."""

    force: bool
    jobs: int | None
    watcher: Watcher | None


def run(
    *targets: str | Path,
    parameters: Mapping[str, object] | None = None,
    force: bool = False,
    jobs: int | None = None,
    timeout_seconds: float | None = None,
    watcher: Watcher | None = None,
) -> Run:
    """Bring stages or a notebook file up to date, in the project around the working directory.

    Args:
        *targets: Stage names or notebook files; none is the whole pipeline.
        parameters: Values by name, or by `STAGE.NAME` for one stage among several.
        force: Run the targets even when they are up to date.
        jobs: How many stages may run at once; None takes the setting.
        timeout_seconds: After how long each run is ended; None takes the stage's own limit, or the setting.
        watcher: Is told while it goes on.

    Returns:
        The record of the one target's run; of the pipeline's when there are none or several. A target that is up to
        date gives the run that made it so. A stage that fails is a record with its cause, not an exception.

    Raises:
        NightbookError: Something is wrong with the project or the parameters: nothing was started.
    """
    request = RunRequest(
        settings=project_settings({"jobs": jobs, "timeout_seconds": timeout_seconds}),
        targets=tuple(map(str, targets)),
        parameters=parameters or {},
        is_forced=force,
    )
    result = run_request(request, watcher or SilentWatcher())
    if len(targets) == 1:
        asked = result.stages[-1]
        if asked.run is not None:
            return asked.run
        if result.plan is not None and (last := result.plan[asked.name].last) is not None:
            return get_run(last.run_id)
    if result.parent is not None:
        return result.parent
    return Run(run_id="", number=0, kind=RunKind.PIPELINE, status=RunStatus.SKIPPED, message="everything is up to date")


def plan(*targets: str | Path, parameters: Mapping[str, object] | None = None) -> Plan:
    """Say what `run` would do, and why; nothing starts.

    Raises:
        NightbookError: Something is wrong with the project or the parameters.
    """
    request = RunRequest(settings=project_settings(), targets=tuple(map(str, targets)), parameters=parameters or {})
    return planning.plan(request)


def get_run(reference: str | int | Run) -> Run:
    """The record of a run by number, id or its start, `latest`, `STAGE@latest`, `STAGE@approved`; of a `Run`, as it is.

    Raises:
        RunNotFoundError: There is none.
    """
    with open_ledger(project_settings()) as ledger:
        return ledger.find(reference_of(reference))


def search_runs(*, stage: str | None = None, status: RunStatus | str | None = None, limit: int = 100) -> list[Run]:
    """Records, newest first."""
    with open_ledger(project_settings()) as ledger:
        return list(ledger.runs(limit=limit, stage=stage, status=RunStatus(status) if status else None))


def compare(references: Sequence[str | int | Run]) -> pd.DataFrame:
    """Runs side by side: one row each, what differs in parameters first, then metrics.

    Returns:
        A DataFrame indexed by label (`train #4`) with the column levels `parameters`, `metrics`, `run`.
    """
    import pandas as pd  # noqa: PLC0415 - only those who compare in a notebook need it

    found = [one if isinstance(one, Run) else get_run(one) for one in references]
    differing = [
        name
        for name in dict.fromkeys(name for one in found for name in one.parameters)
        if len({repr(one.parameters.get(name)) for one in found}) > 1
    ]
    rows = {
        one.label: {
            **{("parameters", name): one.parameters.get(name) for name in differing},
            **{("metrics", name): value for name, value in one.metrics.items()},
            ("run", "status"): one.status.value,
            ("run", "duration_seconds"): one.duration_seconds,
        }
        for one in found
    }
    order = ("parameters", "metrics", "run")
    columns = sorted({key: None for row in rows.values() for key in row}, key=lambda key: order.index(key[0]))
    table = [[row.get(column) for column in columns] for row in rows.values()]
    return pd.DataFrame(table, index=list(rows), columns=pd.MultiIndex.from_tuples(columns))


def sweep(
    target: str | Path,
    *,
    grid: Mapping[str, Sequence[object]] | None = None,
    sets: Sequence[Mapping[str, object]] | None = None,
    parameters: Mapping[str, object] | None = None,
    objective: str = "",
    direction: str = "",
    **options: Unpack[SweepOptions],
) -> list[Run]:
    """Run a stage or a notebook file over many parameter sets; sets that succeeded before are not run again.

    Args:
        target: The stage's name or the notebook's file.
        grid: Values of each parameter that varies; all combinations are run.
        sets: The parameter sets themselves, instead of a grid.
        parameters: Values that do not vary.
        objective: The metric by which the comparison page orders the runs.
        direction: "min" or "max"; empty takes what the notebook declared of the metric.
        **options: As of `run`: `force`, `jobs`, `watcher`.

    Returns:
        The records in the order of the sets, failures included.

    Raises:
        NightbookError: Something is wrong with the project or with a set: nothing was started.
    """
    if (grid is None) == (sets is None):
        raise ParameterError("a sweep takes either a grid or sets", remedy="grid={'learning_rate': [0.01, 0.1]}")
    base = RunRequest(
        settings=project_settings({"jobs": options.get("jobs")}),
        targets=(str(target),),
        parameters=parameters or {},
        is_forced=options.get("force", False),
    )
    request = SweepRequest(
        base=base,
        sets=tuple(sets if sets is not None else product_of(grid or {})),
        objective=objective,
        direction=direction,
    )
    return list(sweep_request(request, options.get("watcher") or SilentWatcher()).runs)


def resume(reference: str | int | Run = "latest", *, jobs: int | None = None, watcher: Watcher | None = None) -> Run:
    """Run what a failed or interrupted run still owes.

    Args:
        reference: The run; of a part, the pipeline or sweep is meant.
        jobs: How many stages may run at once; None takes the setting.
        watcher: Is told while it goes on.

    Returns:
        The record of the run that did; the run itself when nothing was owed.

    Raises:
        NightbookError: There is no such run, or it still goes on.
    """
    resumption = resume_run(project_settings({"jobs": jobs}), reference_of(reference), watcher or SilentWatcher())
    made = resumption.result.all_runs if resumption.result else ()
    return made[0] if made else resumption.of


def project_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the project around the working directory, with what was given for this call on top."""
    return load_settings(Path.cwd(), environment=os.environ, flags=flags or {})


def reference_of(run: str | int | Run) -> str:
    """A run as it is named everywhere else."""
    return run.run_id if isinstance(run, Run) else str(run)
