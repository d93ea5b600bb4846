"""What a notebook's kernel asks of the process that runs in batch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightbook.workflow.remembering import decode_values, encode_values

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run.

    Attributes:
        notebook: The notebook's file, absolute.
        parameters: Values by name, Python ones.
        is_forced: Run it even when it is up to date.
    """

    notebook: str
    parameters: Mapping[str, object]
    is_forced: bool = False

    def to_line(self) -> str:
        """One line of JSON that keeps each value's type."""
        words = {"notebook": self.notebook, "parameters": encode_values(self.parameters), "is_forced": self.is_forced}
        return json.dumps(words, allow_nan=False)

    @classmethod
    def from_line(cls, line: str) -> Order:
        """Read what `to_line` wrote."""
        words = json.loads(line)
        return cls(
            notebook=words["notebook"], parameters=decode_values(words["parameters"]), is_forced=words["is_forced"]
        )
