"""What of the machine this process may use."""

from __future__ import annotations

import os
import sys


def processors() -> int:
    """How many processors this process may use; all of them where the operating system does not say."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
