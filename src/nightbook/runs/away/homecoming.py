"""The end of a run that was away: its files and outputs come home, then the ledger hears of it, once."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nightbook.errors import StorageError
from nightbook.pipelines.archive import extract_files
from nightbook.records import RunStatus
from nightbook.runs.away.answer import without_files
from nightbook.runs.conclusion import relative_to_root
from nightbook.runs.patience import patiently
from nightbook.runs.request import EXECUTED, REPORT
from nightbook.runs.supervise import agree_with

if TYPE_CHECKING:
    from nightbook.pipelines.store import ContentStore
    from nightbook.runs.away.answer import Answer
    from nightbook.runs.away.live import AwayRun
    from nightbook.runs.facts import Outcome
    from nightbook.runs.ledger import Ledger

_PACK = "files.tar"


def bring_home(live: AwayRun, answer: Answer, store: ContentStore) -> Outcome:
    """Fetch what a run left behind; returns its outcome as the client's ledger is to hold it.

    What does not arrive makes a success a failure: nobody could use it.
    """
    outcome = answer.outcome
    try:
        if answer.files:
            _fetch_files(live, answer, store)
        if outcome.status is RunStatus.SUCCEEDED:
            _fetch_outputs(live, outcome, store)
    except (StorageError, OSError, tarfile.TarError) as error:
        outcome = without_files(outcome, f"what the worker {answer.worker} left behind did not arrive", error)
    return _as_here(live, outcome)


def record(live: AwayRun, outcome: Outcome, ledger: Ledger) -> None:
    """Write the final state down; another one that was first stands, and the notebook on disk is made to agree with it.

    Raises:
        LedgerError: The ledger was away all the time: the next command will find the run lost.
    """
    if live.deaths:
        note = f"begun again elsewhere after the death of {', '.join(live.deaths)}"
        outcome = replace(outcome, message="; ".join(filter(None, [outcome.message, note])))
    if not patiently(partial(ledger.finish, live.run.run_id, outcome)):
        agree_with(ledger, live.request)


def _fetch_files(live: AwayRun, answer: Answer, store: ContentStore) -> None:
    pack = live.folder / _PACK
    store.restore(answer.files, pack)
    try:
        with tarfile.open(pack) as archive:
            extract_files(archive, live.folder)
    finally:
        pack.unlink(missing_ok=True)
    store.discard(answer.files)


def _fetch_outputs(live: AwayRun, outcome: Outcome, store: ContentStore) -> None:
    places = {one.name: one.path for one in live.request.outputs}
    for pin in outcome.outputs:
        if pin.digest and places[pin.name]:
            store.restore(pin.digest, Path(places[pin.name]))


def _as_here(live: AwayRun, outcome: Outcome) -> Outcome:
    """Its files are where this project keeps them."""
    has_notebook = (live.folder / EXECUTED).exists()
    return replace(
        outcome,
        executed_notebook=relative_to_root(live.request, live.folder / EXECUTED) if has_notebook else None,
        report=relative_to_root(live.request, live.folder / REPORT) if has_notebook else None,
    )
