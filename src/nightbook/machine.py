"""What of the machine this process may use."""

from __future__ import annotations

import os
import sys


def processors() -> list[int]:
    """The processors that this process may use, by their numbers; all where the operating system does not say."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else list(range(os.cpu_count() or 1))
