"""What a report shows beside the notebook itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nightbook.records import MetricPoint, Run


class CodeVisibility(StrEnum):
    """Whether the report holds the notebook's source code."""

    FOLDED = "folded"
    """Each code cell can be opened; one switch opens all."""

    ABSENT = "absent"
    """The source is not in the file at all, and the page says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportParameter:
    """One parameter as the run had it.

    Attributes:
        name: The declared name.
        value: The JSON value the run used; a secret's reference, never its value.
        default: The JSON value of the declaration; None also where there is no default.
        help: The comment behind the declaration.
        changed: The value was given and differs from the default.
        type: The declared type in words, such as "integer from 1 to 12"; empty when not declared.
    """

    name: str
    value: object
    default: object = None
    help: str = ""
    changed: bool = False
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """A run with everything the header tells about it.

    Attributes:
        run: The run; its status and cause are the truth that the page shows.
        project: The project's name.
        parameters: In declared order.
        points: Every logged metric point, in the order of logging.
        environment: What it ran in, in words: "Python": "3.12.4", "Kernel": "python3" …; a
            `sha256:…` is shown short.
        root: The project's folder; local images of Markdown cells are embedded from below it.
        notebook_link: Relative link to the executed notebook; empty when it will not lie beside the page.
        recent_durations: Seconds that earlier successes of this stage took, oldest first.
    """

    run: Run
    project: str
    parameters: tuple[ReportParameter, ...] = ()
    points: tuple[MetricPoint, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path | None = None
    notebook_link: str = "executed.ipynb"
    recent_durations: tuple[float, ...] = ()
