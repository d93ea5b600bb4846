"""A warm parent's hold on its place: until its files change, or others need the room."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nightbook.runs.warm.places import installed_state

if TYPE_CHECKING:
    from nightbook.runs.warm.places import Place

MOST_PARENTS = 8
"""Of one kind for one user: each holds some tens of megabytes."""
KEPT_SECONDS = 7 * 86_400
"""How long the files of a parent stay that nobody has used since."""


class Tenancy:
    """Whether a parent may stay where it listens.

    Args:
        place: Where it listens; its socket is there.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._state = installed_state()
        self._identity = self._identify()

    def make_room(self) -> None:
        """Have the parents of this kind that served longest ago end where there are many."""
        kind = self._place.key.partition("-")[0]
        ages = {}
        for path in self._place.folder.glob(f"{kind}-*.sock"):
            with suppress(OSError):
                ages[path] = path.stat().st_mtime
        ages.pop(self._place.socket, None)
        for path in sorted(ages, key=lambda path: ages[path])[: max(0, len(ages) + 1 - MOST_PARENTS)]:
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what parents of former weeks have left behind."""
        oldest = time.time() - KEPT_SECONDS
        for path in self._place.folder.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    @property
    def is_over(self) -> bool:
        """What was loaded has changed since, or the place was given up or given to another."""
        return self._identify() != self._identity or installed_state() != self._state

    def use(self) -> None:
        """Leave word that somebody was served."""
        with suppress(OSError):
            os.utime(self._place.socket)

    def give_up(self) -> None:
        """Leave nothing behind; a log that says something stays."""
        if self._identify() == self._identity:
            self._place.socket.unlink(missing_ok=True)
            with suppress(OSError):
                if not self._place.log.stat().st_size:
                    self._place.log.unlink()

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self._place.socket.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino
