"""How a run looks in MLflow: names, texts and batches within MLflow's limits; decided without MLflow."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.records import RunStatus
from nightbook.runs.request import ENVIRONMENT, EXECUTED, REPORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from nightbook.records import MetricPoint, Pin, Run
    from nightbook.runs.facts import RunFacts
    from nightbook.runs.review_log import Standing

# MLflow's limits, the smallest of all its supported versions.
METRICS_PER_BATCH = 1000
ENTITIES_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
DATASETS_PER_BATCH = 100
KEY_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
DATASET_DIGEST_LENGTH = 36
DATASET_NAME_LENGTH = 500

RUN_ID_TAG = "nightbook.run_id"

_FINAL_STATES = {
    RunStatus.SUCCEEDED: "FINISHED",
    RunStatus.FAILED: "FAILED",
    RunStatus.LOST: "FAILED",
    RunStatus.CANCELLED: "KILLED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """All that MLflow is told about one run.

    Attributes:
        run: Its record.
        facts: What the record does not show.
        points: Its metrics, in the order of logging.
        folder: Where its files lie; some may be missing.
    """

    run: Run
    facts: RunFacts
    points: tuple[MetricPoint, ...]
    folder: Path

    @property
    def tags(self) -> dict[str, str]:
        """Tags by name, shortened to what MLflow takes; what is not known has no tag."""
        run = self.run
        known = {
            **self.facts.tags,
            RUN_ID_TAG: run.run_id,
            "nightbook.number": run.number,
            "nightbook.kind": run.kind.value,
            "nightbook.stage": run.stage,
            "nightbook.notebook": run.notebook,
            "nightbook.status": run.status.value,
            "nightbook.cause": run.cause.value if run.cause else None,
            "nightbook.message": run.message,
            "nightbook.fingerprint": run.fingerprint,
            "nightbook.git_dirty": None if run.git_dirty is None else str(run.git_dirty).lower(),
            "nightbook.host": self.facts.host,
            "nightbook.python": self.python,
            "nightbook.peak_memory_bytes": run.peak_memory_bytes,
            "mlflow.user": self.facts.user,
            "mlflow.source.name": run.notebook,
            "mlflow.source.type": "NOTEBOOK" if run.notebook else None,
            "mlflow.source.git.commit": run.git_commit,
        }
        return {
            tracked_name(name): shortened(str(value), TAG_LENGTH)
            for name, value in known.items()
            if value is not None and value != ""
        }

    @property
    def params(self) -> dict[str, str]:
        """Parameters by name; one that the notebook logged itself wins over a declared one."""
        values = {**self.run.parameters, **self.facts.logged_parameters}
        return {tracked_name(name): shortened(_plain(value), PARAM_LENGTH) for name, value in values.items()}

    @property
    def python(self) -> str:
        """Version of the Python that ran it, as its kernel told; empty when unknown or another language."""
        try:
            notebook = json.loads((self.folder / EXECUTED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        language = _mapping(_mapping(_mapping(notebook).get("metadata")).get("language_info"))
        return str(language.get("version", "")) if language.get("name") == "python" else ""

    @property
    def artifacts(self) -> tuple[tuple[Path, str], ...]:
        """Files that exist, each with its folder among MLflow's artifacts (empty for the top)."""
        names = dict.fromkeys((EXECUTED, REPORT, ENVIRONMENT, *self.facts.artifacts))
        files = ((self.folder / name, name.rpartition("/")[0]) for name in names)
        return tuple((path, place) for path, place in files if path.is_file())

    @property
    def final_state(self) -> str:
        """MLflow's word for the run's final status."""
        return _FINAL_STATES[self.run.status]

    @property
    def started_ms(self) -> int | None:
        """When it started, in milliseconds since the epoch; a run that never started began when it ended."""
        began = self.run.started_at or self.run.ended_at
        return None if began is None else at_ms(began)

    @property
    def ended_ms(self) -> int | None:
        """When it ended, in milliseconds since the epoch."""
        return None if self.run.ended_at is None else at_ms(self.run.ended_at)


def review_tags(standing: Standing) -> dict[str, str]:
    """Tags that say where the review of a run stands; MLflow takes no tag away, so nobody is an empty text."""
    return {
        "nightbook.review": standing.state.value,
        "nightbook.approved_by": shortened(", ".join(standing.approved_by), TAG_LENGTH),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one `log-batch` request carries."""

    points: Sequence[MetricPoint] = ()
    params: Mapping[str, str]
    tags: Mapping[str, str]


def batches(points: Sequence[MetricPoint], params: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[Batch]:
    """Divide into as few requests as MLflow's limits allow; twenty of each are one."""
    left_params, left_tags, left_points = list(params.items()), list(tags.items()), list(points)
    while left_params or left_tags or left_points:
        some_params, left_params = left_params[:PARAMS_PER_BATCH], left_params[PARAMS_PER_BATCH:]
        some_tags, left_tags = left_tags[:TAGS_PER_BATCH], left_tags[TAGS_PER_BATCH:]
        room = min(METRICS_PER_BATCH, ENTITIES_PER_BATCH - len(some_params) - len(some_tags))
        some_points, left_points = left_points[:room], left_points[room:]
        yield Batch(points=some_points, params=dict(some_params), tags=dict(some_tags))


def at_ms(at: datetime) -> int:
    """Return MLflow's measure of time: milliseconds since the epoch."""
    return int(at.timestamp() * 1000)


def tracked_name(name: str) -> str:
    """Return a name as MLflow takes it: what it forbids becomes `_`, and a short digest keeps two names apart."""
    allowed = re.sub(r"[^/\w.\- :]", "_", name)
    # MLflow may keep a name as a path and refuses whatever would not be its own normal form.
    allowed = "/".join(part for part in allowed.split("/") if part not in {"", ".", ".."}) or "_"
    if allowed == name and len(name) <= KEY_LENGTH:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{allowed[: KEY_LENGTH - 9]}_{digest}"


def shortened(text: str, limit: int) -> str:
    """Cut a text to a limit, and say so in it."""
    if len(text) <= limit:
        return text
    mark = f"… [cut: {len(text)} characters]"
    return text[: limit - len(mark)] + mark


def dataset_digest(pin: Pin) -> str:
    """Return the start of the digest: MLflow keeps 36 characters; the whole one stands in the dataset's profile."""
    text = pin.digest.rpartition(":")[2] or pin.version or hashlib.sha256(pin.uri.encode()).hexdigest()
    return text[:DATASET_DIGEST_LENGTH]


def dataset_source(pin: Pin) -> str:
    """Return what MLflow needs to find the data again, as JSON."""
    return json.dumps({"uri": pin.uri})


def dataset_profile(pin: Pin) -> str:
    """Return what is known of the data, as JSON."""
    return json.dumps({"digest": pin.digest, "size_bytes": pin.size_bytes, "version": pin.version})


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _plain(value: object) -> str:
    """Write scalars as `mlflow.log_param` does, so that a notebook that logs the same value does not conflict."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
