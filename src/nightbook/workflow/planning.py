"""Plan what a request asks for, with no library that a plan does not need: finding nothing to do takes no time."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

from nightbook.errors import SecretError
from nightbook.notebooks.references import reveal
from nightbook.notebooks.revealed import references_in
from nightbook.pipelines.digests import FileDigests
from nightbook.pipelines.plan import Evidence, Plan, make_plan
from nightbook.pipelines.store import ContentStore
from nightbook.runs.glance import glance_success_of, glance_successes
from nightbook.workflow.targets import Selection, select

if TYPE_CHECKING:
    from nightbook.pipelines.stage import Stage
    from nightbook.records import LastSuccess
    from nightbook.settings import Settings
    from nightbook.workflow.requests import RunRequest


def plan(request: RunRequest) -> Plan:
    """Say what a request would run, and why; nothing starts.

    Raises:
        NightbookError: Whatever is wrong with the project, the targets or the parameters.
    """
    selection = select(request.settings, request.targets, request.parameters)
    return make_plan(selection.pipeline, selection.names, gather_evidence(request, selection))


def gather_evidence(request: RunRequest, selection: Selection) -> Evidence:
    """What a plan is made from; an embedded ledger is asked without loading SQLAlchemy."""
    settings = request.settings
    successes = glance_successes(settings.ledger)
    if successes is None:
        # Loaded only for a shared ledger: SQLAlchemy takes longer than all the rest of a plan.
        with import_module("nightbook.runs.ledger").Ledger.open(settings.ledger) as ledger:
            successes = ledger.last_successes()
    return Evidence(
        settings=settings,
        last_successes=successes,
        find_success=partial(find_success, settings),
        digests=FileDigests(settings.cache_folder / "digests.json"),
        store=ContentStore(settings.store),
        forced=(frozenset(selection.names) if request.is_forced else selection.forced) - request.spared,
        why_forced="forced" if request.is_forced else "a notebook file without outputs always runs",
    )


def find_success(settings: Settings, fingerprint: str) -> LastSuccess | None:
    """The latest success that rests on exactly the same; None when there is none."""
    found = glance_success_of(settings.ledger, fingerprint)
    if found is None:
        with import_module("nightbook.runs.ledger").Ledger.open(settings.ledger) as ledger:
            return cast("LastSuccess | None", ledger.successes_of([fingerprint]).get(fingerprint))
    return found[0] if found else None


def check_secrets(stages: tuple[Stage, ...]) -> None:
    """Make sure that every secret of the stages that run can be had, before anything starts.

    Raises:
        SecretError: One cannot; the stage is named.
    """
    for stage in stages:
        for reference in stage.binding.secrets:
            try:
                reveal(_anchored(reference, stage))
            except SecretError as error:
                raise SecretError(f"{error.message} (stage '{stage.name}')", remedy=error.remedy) from None


def secrets_of(stage: Stage) -> tuple[str, ...]:
    """References whose values are redacted: the declared ones, and those in its code that lead to a value."""
    if stage.language != "python":
        return stage.binding.secrets
    mentioned = references_in(cell.source for cell in stage.notebook.code_cells)
    return tuple(dict.fromkeys((*stage.binding.secrets, *(one for one in mentioned if _leads_somewhere(one, stage)))))


def _leads_somewhere(reference: str, stage: Stage) -> bool:
    try:
        reveal(_anchored(reference, stage))
    except SecretError:
        return False
    return True


def _anchored(reference: str, stage: Stage) -> str:
    kind, _, place = reference.partition(":")
    return f"{kind}:{stage.notebook.path.parent / place}" if kind == "file" and not place.startswith("~") else reference
