"""What is costly to find out again, kept between programs in a JSON file that may vanish at any time."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from nightbook.errors import StorageError
from nightbook.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Fact = TypeVar("Fact")


class Memory(Generic[Fact]):
    """Facts by a key that changes when they do; the facts are JSON values.

    Args:
        file: Where they are kept; a missing or broken one means that nothing is known.
        most: How many are kept, the newest; 0 keeps all.
    """

    def __init__(self, file: Path, *, most: int = 0) -> None:
        self._file = file
        self._most = most
        self._facts: dict[str, Fact] | None = None
        self._learned = False

    def recall(self, key: str, find_out: Callable[[], Fact]) -> Fact:
        """The fact under a key, found out when it is not known."""
        facts = self._known()
        if key not in facts:
            facts[key] = find_out()
            self._learned = True
        return facts[key]

    def save(self) -> None:
        """Write what was learned; a project that cannot be written is planned all the same, only slower."""
        if self._learned:
            newest = list(self._known().items())[-self._most :]
            with suppress(StorageError):
                write_atomically(self._file, json.dumps(dict(newest)).encode())
            self._learned = False

    def _known(self) -> dict[str, Fact]:
        if self._facts is None:
            try:
                self._facts = dict(json.loads(self._file.read_bytes()))
            except (OSError, ValueError, TypeError):
                self._facts = {}
        return self._facts
