"""All that a supervisor needs to know, in one file of the run's folder."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightbook.files import write_atomically
from nightbook.records import Limits, Pin

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "source.ipynb"
PREPARED = "prepared.ipynb"
EXECUTED = "executed.ipynb"
REPORT = "report.html"
EVENTS = "events.jsonl"
LOG = "log.txt"
REQUEST = "request.json"
TRACKING = "tracking.json"
ARTIFACTS = "artifacts"
REVIEWS = "reviews"
ENVIRONMENT = "environment.txt"
COMPARISON = "comparison.html"
ORDER = "comparison.json"
CANCEL = "cancel"
TRUNK = "trunk.json"
CHECKPOINTS = "checkpoints.json"
WORKER = "worker.json"
REFUSAL = "refusal.txt"

FORK, JUPYTER = "fork", "jupyter"
NO_WARM_PARENT = 75
"""The exit status by which a runner asks to be started again with another engine; nothing has been executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPath:
    """An output that the stage must leave behind: its parameter's name, its URI and, for a file, its absolute path."""

    name: str
    uri: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Cells that the runs of a sweep have in common, executed once.

    Attributes:
        folder: Where the events of these cells are, and who forks for the runs; absolute.
        cells: Which they are: indices of the source notebook.
        varied: The parameters that differ between the runs.
        seeded: Generators of random numbers that the cells seed.
    """

    folder: str
    cells: tuple[int, ...]
    varied: tuple[str, ...]
    seeded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointing:
    """How checkpoints are left.

    Attributes:
        after_seconds: How long cells must have taken since the last one.
        keep_seconds: How long they stay after the run's end.
        memory_bytes: The most that those of the run may hold together.
    """

    after_seconds: float
    keep_seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run from whose checkpoints another one may go on.

    Attributes:
        run_id: Which.
        label: Its name, for people.
        folder: Where its files are, absolute.
    """

    run_id: str
    label: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRequest:
    """One stage run to execute; holds references to secrets, never their values.

    Attributes:
        run_id: The run in the ledger.
        ledger: The ledger's URL.
        root: The project's root, absolute.
        state: The project's state folder, absolute.
        store: The content store's folder, absolute, or its URL.
        folder: Where the run's files go, absolute.
        notebook: The notebook's path relative to the root, for people.
        working_directory: The notebook's folder, absolute.
        kernel_name: The kernel to start.
        language: The kernel's language, which decides how parameters are written.
        parameters: What is injected: Python source of each value for Python kernels, JSON values for others.
        shown_parameters: The same as plain JSON values, for the executed notebook's metadata.
        secrets: References whose values are redacted from everything.
        limits: When to end it.
        inputs: The pins of what it reads, to see whether they changed meanwhile.
        modules: The state of each of the project's own modules that it imports, by path relative to the root.
        outputs: What it must leave behind.
        awaits_tracking: The notebook uses MLflow itself, so its run must exist before the kernel starts.
        declared: Every parameter with its value, as the report shows it (see `ReportParameter`).
        heartbeat_seconds: How often the supervisor tells the ledger that it lives.
        containment: How the run's processes are held together: `auto`, `pid_namespace` or `process_tree`.
        engine: What runs the cells: `fork` or `jupyter`.
        engine_reason: Why it is not `fork`, empty when it is.
        project: Whose warm parents serve it: the root where the command was typed, also on a worker; empty for `root`.
        imports: Modules that the notebook imports.
        expected_imports: Modules that the project's other notebooks import.
        threads: How many threads libraries for numbers may use; None for as many as there are processors.
        sharing: What it has in common with the other runs of its sweep; None for nothing.
        checkpointing: How checkpoints are left; None for not at all.
        no_checkpoints: Why there are none although they were asked for.
        resumes: From whose checkpoints it may go on; None for nobody's.
    """

    run_id: str
    ledger: str
    root: str
    state: str
    store: str
    folder: str
    notebook: str
    working_directory: str
    kernel_name: str
    language: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    shown_parameters: Mapping[str, object] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    inputs: tuple[Pin, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[DeclaredPath, ...] = ()
    awaits_tracking: bool = False
    declared: tuple[Mapping[str, object], ...] = ()
    heartbeat_seconds: float = 5.0
    containment: str = "auto"
    engine: str = JUPYTER
    engine_reason: str = ""
    project: str = ""
    imports: tuple[str, ...] = ()
    expected_imports: tuple[str, ...] = ()
    threads: int | None = None
    sharing: Sharing | None = None
    checkpointing: Checkpointing | None = None
    no_checkpoints: str = ""
    resumes: Unfinished | None = None

    @property
    def warm_root(self) -> str:
        """What names the warm parents that serve it."""
        return self.project or self.root

    def write(self, path: Path) -> None:
        """Leave it in the run's folder, whole, readable by its owner only."""
        write_atomically(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> ExecutionRequest:
        """Take it from the run's folder."""
        return cls.from_fields(json.loads(path.read_text(encoding="utf-8")))

    def for_jupyter(self) -> ExecutionRequest:
        """The same for a kernel of Jupyter's: no warm process could be had, or none that would do."""
        refusal, reason = Path(self.folder) / REFUSAL, "no warm process could be had"
        with suppress(OSError):
            reason = refusal.read_text(encoding="utf-8")
            refusal.unlink()
        return replace(self, engine=JUPYTER, engine_reason=reason)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ExecutionRequest:
        """What `asdict` made of it, after a way through JSON."""
        fields["limits"] = Limits(**fields["limits"])
        fields["secrets"] = tuple(fields["secrets"])
        fields["inputs"] = tuple(Pin(**pin) for pin in fields["inputs"])
        fields["declared"] = tuple(fields["declared"])
        fields["outputs"] = tuple(DeclaredPath(**one) for one in fields["outputs"])
        fields["imports"] = tuple(fields["imports"])
        fields["expected_imports"] = tuple(fields["expected_imports"])
        if (sharing := fields["sharing"]) is not None:
            lists = {name: tuple(sharing[name]) for name in ("cells", "varied", "seeded")}
            fields["sharing"] = Sharing(folder=sharing["folder"], **lists)
        if (checkpointing := fields["checkpointing"]) is not None:
            fields["checkpointing"] = Checkpointing(**checkpointing)
        if (resumes := fields["resumes"]) is not None:
            fields["resumes"] = Unfinished(**resumes)
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonOrder:
    """What a sweep's comparison page is to show.

    Attributes:
        runs: Ids of the runs, in the order of the sets.
        objective: The metric that orders them; empty for none.
        better: "higher" or "lower": which of its values win; empty without an objective.
    """

    runs: tuple[str, ...]
    objective: str = ""
    better: str = ""

    def write(self, folder: Path) -> None:
        """Leave it in the sweep's folder."""
        write_atomically(folder / ORDER, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: Path) -> ComparisonOrder:
        """Take it from the sweep's folder."""
        fields = json.loads((folder / ORDER).read_text(encoding="utf-8"))
        return cls(**{**fields, "runs": tuple(fields["runs"])})
