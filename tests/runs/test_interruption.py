from __future__ import annotations

import os
import subprocess
import sys
import uuid

import psutil

from nightbook.runs.census import RUN_VARIABLE

# A runner that listens, with a kernel that says what reaches it.
RUNNER = """\
import os, subprocess, sys, time
from functools import partial
from nightbook.runs.interruption import Interruption
kernel = subprocess.Popen([sys.executable, "-u", "-c", '''
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("ready")
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted")
time.sleep(600)
'''], start_new_session=True)
Interruption.kernel_pid, Interruption.signal_kernel = kernel.pid, partial(os.killpg, kernel.pid)
print(kernel.pid, flush=True)
Interruption.listen()
time.sleep(600)
"""


def test_an_interrupt_reaches_the_kernel_and_the_end_of_the_pipe_ends_all() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER],
        env={**os.environ, RUN_VARIABLE: uuid.uuid4().hex},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = {process.stdout.readline().strip(), process.stdout.readline().strip()}
    assert "ready" in said
    kernel = psutil.Process(int(next(one for one in said if one != "ready")))
    process.stdin.write("interrupt\n")
    process.stdin.flush()
    assert process.stdout.readline() == "interrupted\n"
    process.stdin.close()
    assert process.wait() == 1
    psutil.wait_procs([kernel], timeout=10)
    assert not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE
    process.stdout.close()
