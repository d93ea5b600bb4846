"""From the ledger to MLflow: what is owed arrives once, in order, whenever MLflow is there.

Any number of processes may deliver at once. A run is claimed before anything is said about it, MLflow is asked for a
run of that id before one is created, and all that is told may be told again.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.errors import TrackerAwayError, TrackerError
from nightbook.records import RunStatus
from nightbook.runs.deliveries import Event
from nightbook.runs.facts import Begun
from nightbook.runs.probe import shown_uri
from nightbook.runs.shaping import Delivery, review_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nightbook.runs.deliveries import Claim
    from nightbook.runs.facts import TrackedRun
    from nightbook.runs.ledger import Ledger
    from nightbook.runs.tracking import MlflowTracker

CLAIM_SECONDS = 120.0
_PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What a pass over the outbox achieved.

    Attributes:
        delivered: Runs that MLflow now knows all about, as far as they went.
        owed: Runs that still wait.
        reason: Why they wait, empty when none does.
    """

    delivered: int
    owed: int
    reason: str = ""


class Outbox:
    """Delivers the debts of one ledger to one tracker.

    Args:
        ledger: Whose runs to tell about.
        tracker: Whom to tell.
        runs_folder: Where the runs' files lie, in folders named by their ids.
    """

    def __init__(self, ledger: Ledger, tracker: MlflowTracker, runs_folder: Path) -> None:
        self._ledger = ledger
        self._tracker = tracker
        self._runs_folder = runs_folder
        self._deliveries = ledger.deliveries

    def open(self) -> None:
        """Say a first word, which takes longer than those after it, before there is anything to deliver."""
        if not self._make_ready():
            with suppress(TrackerError):  # met again, and told, with the first delivery
                self._look_up_experiment()

    def drain(self, *, is_enough: Callable[[], bool] = lambda: False) -> Drained:
        """Deliver all that is owed, once over; an MLflow that is away or refuses leaves debts, never an error.

        Args:
            is_enough: Asked before each run; True leaves the rest for another time.
        """
        waiting = self._deliveries.owed_runs()
        if not waiting:
            return Drained(delivered=0, owed=0)
        away = self._make_ready()
        if away:
            return Drained(delivered=0, owed=len(waiting), reason=away)
        delivered = 0
        for run_id in waiting:
            if is_enough():
                break
            try:
                delivered += self._deliver(run_id)
            except TrackerAwayError:
                break
            except TrackerError:
                # One run that MLflow refuses holds up no other; the reason stays with its debt.
                continue
        debt = self._deliveries.owed()
        return Drained(delivered=delivered, owed=debt.runs, reason=debt.last_error if debt.runs else "")

    def announce(self, run_id: str, *, patience_seconds: float = _PATIENCE_SECONDS) -> str | None:
        """Return the MLflow id of a run that started, so that its notebook can log to it; None when MLflow is away.

        Args:
            run_id: The run.
            patience_seconds: How long to wait for another process that is just announcing it.
        """
        if self._make_ready():
            return None
        try:
            tracked = self._find_or_begin(run_id, time.monotonic() + patience_seconds)
        except TrackerError:
            return None
        return tracked.mlflow_run_id if tracked else None

    def _make_ready(self) -> str:
        """Return why nothing can be delivered now, empty when it can."""
        if not self._tracker.reachable():
            return f"MLflow at {shown_uri(self._tracker.uri)} does not answer"
        try:
            self._tracker.ensure_ready()
        except TrackerError as error:
            return error.message
        return ""

    def _deliver(self, run_id: str) -> bool:
        with self._claimed(run_id) as claim:
            if claim is None or not claim.events:
                return False
            delivery = self._delivery(run_id)
            begun = self._begin(delivery)
            if begun is None:
                raise TrackerError("its parent run is not in MLflow yet")
            if Event.ENDED in claim.events and not begun.is_complete:
                self._end(delivery, begun.tracked, claim)
            if Event.REVIEWED in claim.events:
                self._tell_review(run_id)
            self._deliveries.delivered(claim, claim.events)
            return True

    def _tell_review(self, run_id: str) -> None:
        # Asked again: telling its end may have found it gone, and made it anew.
        tracked = self._deliveries.known_run(run_id, self._tracker.uri)
        standing = self._ledger.reviews.standing(run_id)
        if tracked is not None and standing is not None:
            # A run that somebody deletes in MLflow is not brought back for a tag.
            with suppress(LookupError):
                self._tracker.tag(tracked, review_tags(standing))

    def _find_or_begin(self, run_id: str, deadline: float) -> TrackedRun | None:
        """None for a run that has not started, or that another process holds until the deadline."""
        while True:
            known = self._deliveries.known_run(run_id, self._tracker.uri)
            if known is not None:
                return known
            delivery = self._delivery(run_id)
            if delivery.run.status is RunStatus.PENDING:
                return None
            with self._claimed(run_id) as claim:
                if claim is not None:
                    return self._begin_only(delivery, claim)
            if time.monotonic() > deadline:
                return None
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _begin_only(self, delivery: Delivery, claim: Claim) -> TrackedRun | None:
        begun = self._begin(delivery)
        if begun is None:
            return None
        # Its end may have been told to another tracker, before the settings named this one.
        if delivery.run.status.is_final and Event.ENDED not in claim.events and not begun.is_complete:
            self._end(delivery, begun.tracked, claim)
        self._deliveries.delivered(claim, claim.events & {Event.STARTED})
        return begun.tracked

    def _begin(self, delivery: Delivery) -> Begun | None:
        """None when the parent cannot be begun now: MLflow has to know it first."""
        uri, run = self._tracker.uri, delivery.run
        known = self._deliveries.known_run(run.run_id, uri)
        if known is not None:
            return Begun(tracked=known, is_complete=False)
        parent = None
        if run.parent_run_id is not None:
            parent = self._find_or_begin(run.parent_run_id, time.monotonic() + _PATIENCE_SECONDS)
            if parent is None:
                return None
        parent_id = parent.mlflow_run_id if parent else None
        try:
            begun = self._tracker.begin(delivery, experiment_id=self._experiment_id(), parent=parent_id)
        except LookupError:
            experiment_id = self._look_up_experiment()
            begun = self._tracker.begin(delivery, experiment_id=experiment_id, parent=parent_id)
        self._deliveries.remember_run(run.run_id, uri, begun.tracked)
        return begun

    def _end(self, delivery: Delivery, tracked: TrackedRun, claim: Claim) -> None:
        def renew(seconds: float) -> None:
            if not self._deliveries.renew(claim, for_seconds=seconds + CLAIM_SECONDS):
                raise TrackerError("another process took the delivery over")

        try:
            self._tracker.end(delivery, tracked, renew=renew)
        except LookupError:
            self._deliveries.remember_run(delivery.run.run_id, self._tracker.uri, None)
            begun = self._begin(delivery)
            if begun is not None:
                self._tracker.end(delivery, begun.tracked, renew=renew)

    def _experiment_id(self) -> str:
        known = self._deliveries.known_experiment(self._tracker.uri, self._tracker.experiment)
        return known or self._look_up_experiment()

    def _look_up_experiment(self) -> str:
        experiment_id = self._tracker.find_experiment()
        self._deliveries.remember_experiment(self._tracker.uri, self._tracker.experiment, experiment_id)
        return experiment_id

    def _delivery(self, run_id: str) -> Delivery:
        return Delivery(
            run=self._ledger.get(run_id),
            facts=self._ledger.facts(run_id),
            points=self._ledger.metric_points(run_id),
            folder=self._runs_folder / run_id,
        )

    @contextmanager
    def _claimed(self, run_id: str) -> Iterator[Claim | None]:
        """Hold a run while it is delivered; what goes wrong stays with the debt as its reason."""
        claim = self._deliveries.claim(run_id, for_seconds=CLAIM_SECONDS)
        if claim is None:
            yield None
            return
        reason = "the delivery was interrupted"
        try:
            yield claim
            reason = ""
        except TrackerError as error:
            reason = error.message
            raise
        finally:
            self._deliveries.release(claim, error=reason)
