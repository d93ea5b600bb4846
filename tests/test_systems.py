from __future__ import annotations

import os
import subprocess
import sys

import pytest

from nightbook.systems import DETACHED, KILL, OF_THE_TERMINAL


def test_nobody_survives_the_signal_that_kills() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, KILL)
    assert process.returncode == -KILL


def test_a_detached_process_has_a_session_of_its_own() -> None:
    asked = [sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"]
    assert subprocess.run(asked, capture_output=True, check=True, **DETACHED).stdout == b"True\n"


@pytest.mark.parametrize("number", OF_THE_TERMINAL)
def test_what_a_terminal_sends_ends_who_does_not_care(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        os.kill(process.pid, number)
    assert process.returncode != 0
