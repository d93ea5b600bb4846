"""MLflow, as the ledger's outbox speaks to it: few requests, no patience with a dead server, each repeatable."""

from __future__ import annotations

import os

# MLflow reads these when it is imported: its telemetry would otherwise call out from a thread.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")

import importlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from nightbook.errors import TrackerAwayError, TrackerError
from nightbook.runs.embedded import prepare_store
from nightbook.runs.facts import Begun, TrackedRun
from nightbook.runs.impatience import short_tempered
from nightbook.runs.probe import answers, shown_uri
from nightbook.runs.shaping import (
    DATASET_NAME_LENGTH,
    DATASETS_PER_BATCH,
    RUN_ID_TAG,
    Batch,
    Delivery,
    at_ms,
    batches,
    dataset_digest,
    dataset_profile,
    dataset_source,
    tracked_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nightbook.records import Pin
    from nightbook.settings import Settings

REQUEST_SECONDS = 10
# A far-off server needs several round trips for its first word; whom a run waits for, `publish` has asked before.
ANSWER_SECONDS = 5.0
UPLOAD_SECONDS = 300
_PARENT_TAG = "mlflow.parentRunId"
_UPLOADS_AT_ONCE = 4
_OUTAGES = {"TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}


class MlflowTracker:
    """One MLflow, named by the settings' tracking URI; knows no ledger and keeps nothing."""

    def __init__(self, settings: Settings) -> None:
        self.uri = settings.tracking_uri
        self.experiment = settings.experiment
        self._artifacts = settings.state / "mlartifacts"
        self._database = Path(urlsplit(self.uri).path.removeprefix("/")) if settings.is_embedded_tracking else None
        self._client: MlflowClient | None = None

    def reachable(self, *, timeout_seconds: float = ANSWER_SECONDS) -> bool:
        """Whether something answers there, within the given time; an embedded store always does."""
        return answers(self.uri, timeout_seconds=timeout_seconds)

    def ensure_ready(self) -> None:
        """Prepare the embedded store for the installed MLflow; any other is its owner's affair.

        Raises:
            TrackerError: The store is of a newer MLflow, or broken.
        """
        if self._database is not None:
            with _as_tracker_errors(self.uri), short_tempered(REQUEST_SECONDS):
                prepare_store(self._database, create=self._create_store, upgrade=_upgrade_store)

    def find_experiment(self) -> str:
        """Return the experiment's id, after making it where there is none.

        Raises:
            TrackerError: Someone deleted it; MLflow does not give its name away again.
        """
        with self._talking() as client:
            found = client.get_experiment_by_name(self.experiment)
            if found is None:
                return self._create_experiment(client)
            if found.lifecycle_stage == "deleted":
                raise TrackerError(
                    f"the experiment '{self.experiment}' is deleted in MLflow",
                    remedy=f"mlflow experiments restore --experiment-id {found.experiment_id}",
                )
            return str(found.experiment_id)

    def begin(self, delivery: Delivery, *, experiment_id: str, parent: str | None) -> Begun:
        """Find the MLflow run that a former attempt, perhaps from a copy of this ledger, made; else make it.

        Args:
            delivery: The run.
            experiment_id: Where it belongs.
            parent: The MLflow id of the run that it is part of.

        Raises:
            LookupError: There is no such experiment any more.
            TrackerError: MLflow refuses.
        """
        wanted = f"tags.`{RUN_ID_TAG}` = '{delivery.run.run_id}'"
        with self._talking() as client:
            former = client.search_runs([experiment_id], filter_string=wanted, max_results=1)
            if former:
                return Begun(tracked=_tracked(former[0]), is_complete=_is_complete(former[0], delivery))
            tags = delivery.tags | ({_PARENT_TAG: parent} if parent else {})
            try:
                created = client.create_run(experiment_id, delivery.started_ms, tags, delivery.run.label)
            except MlflowException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "active" in error.message:
                    raise LookupError(experiment_id) from error
                raise
        return Begun(tracked=_tracked(created), is_complete=False)

    def end(self, delivery: Delivery, tracked: TrackedRun, *, renew: Callable[[float], None]) -> None:
        """Tell all that is known of a run that ended; its final status comes last and vouches for the rest.

        Args:
            delivery: What to tell.
            tracked: The MLflow run to tell it to.
            renew: Called before each request with the seconds that it may take.

        Raises:
            LookupError: There is no such MLflow run any more.
            TrackerError: MLflow refuses.
        """
        run_id = tracked.mlflow_run_id
        with self._talking() as client:
            for batch in batches(delivery.points, delivery.params, delivery.tags):
                renew(REQUEST_SECONDS)
                if not _log_batch(client, run_id, batch):
                    return
            datasets = [_dataset(pin) for pin in delivery.run.inputs]
            for first in range(0, len(datasets), DATASETS_PER_BATCH):
                renew(REQUEST_SECONDS)
                client.log_inputs(run_id, datasets=datasets[first : first + DATASETS_PER_BATCH])
            self._upload(delivery, tracked, renew)
            renew(REQUEST_SECONDS)
            client.set_terminated(run_id, status=delivery.final_state, end_time=delivery.ended_ms)

    def tag(self, tracked: TrackedRun, tags: Mapping[str, str]) -> None:
        """Set tags of a run, also when it ended long ago; one that is deleted stays as it is.

        Raises:
            LookupError: There is no such MLflow run any more.
            TrackerError: MLflow refuses.
        """
        with self._talking() as client:
            _log_batch(client, tracked.mlflow_run_id, Batch(params={}, tags=tags))

    def _upload(self, delivery: Delivery, tracked: TrackedRun, renew: Callable[[float], None]) -> None:
        files = delivery.artifacts
        if not files:
            return
        renew(UPLOAD_SECONDS * len(files))
        with short_tempered(UPLOAD_SECONDS), ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
            store = get_artifact_repository(tracked.artifact_uri, tracking_uri=self.uri)
            if isinstance(store, LocalArtifactRepository):
                # Whoever makes it while another one looks leads MLflow astray on Windows.
                with suppress(OSError):  # what stands in the way is said by the uploads
                    Path(store.artifact_dir).mkdir(parents=True, exist_ok=True)
            uploads = [pool.submit(store.log_artifact, str(path), place or None) for path, place in files]
        # MLflow lets through whatever the library of an object store raises.
        failures = [failure for upload in uploads if (failure := upload.exception())]
        if failures:
            # One file that a store refuses must not hold up other runs; a server that went away does.
            kind = TrackerError if self.reachable() else TrackerAwayError
            raise kind(f"MLflow's artifacts cannot be stored: {failures[0]}") from failures[0]

    def _create_experiment(self, client: MlflowClient) -> str:
        # A server decides where artifacts go; a bare database would put them into the working directory.
        place = None if urlsplit(self.uri).scheme in {"http", "https"} else self._artifacts.as_uri()
        try:
            return str(client.create_experiment(self.experiment, artifact_location=place))
        except MlflowException as error:
            found = client.get_experiment_by_name(self.experiment)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
            return str(found.experiment_id)

    def _create_store(self, url: str) -> None:
        # An MLflow behind HTTP needs neither of these modules, which take a second to load.
        stores = importlib.import_module("mlflow.store.tracking.sqlalchemy_store")
        stores.SqlAlchemyStore(url, self._artifacts.as_uri()).engine.dispose()

    @contextmanager
    def _talking(self) -> Iterator[MlflowClient]:
        with _as_tracker_errors(self.uri), short_tempered(REQUEST_SECONDS):
            self._client = self._client or MlflowClient(self.uri)
            yield self._client


def _upgrade_store(url: str) -> None:
    database = importlib.import_module("mlflow.store.db.utils")
    engine = create_engine(url)
    database._upgrade_db(engine)  # noqa: SLF001 - what `mlflow db upgrade` calls; there is no public function
    engine.dispose()


def _tracked(run: MlflowRun) -> TrackedRun:
    return TrackedRun(
        mlflow_run_id=run.info.run_id, experiment_id=run.info.experiment_id, artifact_uri=run.info.artifact_uri
    )


def _is_complete(run: MlflowRun, delivery: Delivery) -> bool:
    """The last request of a delivery sets status and end: where both stand, everything arrived."""
    if not delivery.run.status.is_final:
        return False
    return (run.info.status, run.info.end_time) == (delivery.final_state, delivery.ended_ms)


def _log_batch(client: MlflowClient, run_id: str, batch: Batch) -> bool:
    """Return False for a run that someone deleted in MLflow: it is not to come back."""
    metrics = [Metric(tracked_name(point.name), point.value, at_ms(point.at), point.step) for point in batch.points]
    tags = [RunTag(name, value) for name, value in batch.tags.items()]
    try:
        client.log_batch(run_id, metrics, [Param(name, value) for name, value in batch.params.items()], tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise LookupError(run_id) from error
        # MLflow never changes a parameter. What the notebook logged with `mlflow.log_param` or autolog stands.
        run = client.get_run(run_id)
        if run.info.lifecycle_stage == "deleted":
            return False
        logged = run.data.params
        refused = {name for name, value in batch.params.items() if logged.get(name, value) != value}
        if not refused:
            raise
        params = [Param(name, value) for name, value in batch.params.items() if name not in refused]
        tags += [RunTag(f"nightbook.parameter.{name}", batch.params[name]) for name in sorted(refused)]
        client.log_batch(run_id, metrics, params, tags)
    return True


def _dataset(pin: Pin) -> DatasetInput:
    dataset = Dataset(
        name=pin.name[:DATASET_NAME_LENGTH],
        digest=dataset_digest(pin),
        source_type="local" if "://" not in pin.uri else pin.uri.partition("://")[0],
        source=dataset_source(pin),
        profile=dataset_profile(pin),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "input")])


@contextmanager
def _as_tracker_errors(uri: str) -> Iterator[None]:
    """Tell an MLflow that is away from one that refuses."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        shown = shown_uri(uri)
        if _is_outage(error):
            raise TrackerAwayError(f"MLflow at {shown} cannot be reached: {reason}", remedy="nightbook sync") from error
        raise TrackerError(f"MLflow at {shown} refuses: {reason}") from error


def _is_outage(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError | OperationalError):
            return True
        if isinstance(error, MlflowException) and error.error_code in _OUTAGES:
            return True
        error = error.__cause__ or error.__context__
    return False
