"""What Windows names or does in another way than POSIX: the words that the rest of the package uses for both."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

IS_WINDOWS = sys.platform == "win32"

KILL: signal.Signals
"""What nobody survives. Windows ends a process that is sent it, and does not say afterwards how it ended."""
OF_THE_TERMINAL: tuple[signal.Signals, ...]
"""What a terminal sends to whoever was started from it: when its user presses a key, when it is closed."""
DETACHED: Mapping[str, Any]
"""Arguments of `subprocess.Popen` for a process that hears nothing of the terminal's."""
PROGRAMS: str
"""The folder of an environment's programs."""

if sys.platform == "win32":
    KILL = signal.SIGTERM
    OF_THE_TERMINAL = (signal.SIGINT, signal.SIGBREAK)
    DETACHED = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    PROGRAMS = "Scripts"
else:
    KILL = signal.SIGKILL
    OF_THE_TERMINAL = (signal.SIGINT, signal.SIGHUP)
    DETACHED = {"start_new_session": True}
    PROGRAMS = "bin"
