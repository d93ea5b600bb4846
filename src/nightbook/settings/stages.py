"""What the settings file says of single stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nightbook.errors import SettingsError
from nightbook.settings.kinds import STAGE_SETTINGS, checked, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """What `[stages.NAME]` says; None is silence.

    Attributes:
        notebook: The notebook's file, relative to the project's root; empty for the one in the notebooks' folder.
        inputs: Data that the stage reads, by name, beyond what its notebook declares: relative to the root, or URIs.
        outputs: Data that it writes, likewise.
        parameters: Values for its parameters; in a notebook that declares none they are the declaration.
        kernel: The kernel to run it with instead of the notebook's own.
        engine: What runs its cells instead of what the project's setting says.
        checkpoint: Whether its runs leave checkpoints, instead of what the project's setting says.
        after: Stages that must come first though no data says so.
        timeout_seconds: As in `Limits`, for this stage; so are the next three.
        cell_timeout_seconds: See above.
        memory_bytes: See above.
        output_limit_bytes: See above.
        retries: How often a failed run of it is tried again.
    """

    notebook: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    kernel: str = ""
    engine: str = ""
    checkpoint: bool | None = None
    after: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    memory_bytes: int | None = None
    output_limit_bytes: int | None = None
    retries: int = 0


def read_stages(tables: object, where: str) -> dict[str, StageSettings]:
    """Read the `[stages.NAME]` tables.

    Raises:
        SettingsError: An unknown setting, or a value of the wrong kind.
    """
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise SettingsError(f"'stages' in {where} must hold tables", remedy="[stages.NAME]")
    stages = {}
    for name, table in tables.items():
        place = f"[stages.{name}] of {where}"
        values = {key: checked(kind_of(key, STAGE_SETTINGS, place), table[key], f"'{key}' in {place}") for key in table}
        stages[name] = StageSettings(**values)  # type: ignore[arg-type] # each value has just been checked
    return stages
