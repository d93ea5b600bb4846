from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.containment import Containment, choose_containment

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

LEAVE = """
import os, sys
from nightbook.runs.containment import Containment
from nightbook.runs.warm.namespaces import leave_namespace, show_own_processes
before = os.getuid(), os.getgid()
leave_namespace(Containment(sys.argv[1]))
child = os.fork()
if child == 0:
    show_own_processes()
    pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    print(os.getpid(), pids, (os.getuid(), os.getgid()) == before, flush=True)
    if os.fork() == 0:
        import signal
        signal.pause()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def containment(missing: Callable[[str], NoReturn]) -> Containment:
    found = choose_containment("auto")
    return found if found is not Containment.PROCESS_TREE else missing("PID namespaces")


def test_the_next_child_is_the_first_of_its_own_world_and_takes_it_along(containment: Containment) -> None:
    command = [sys.executable, "-c", LEAVE, containment.value]
    # Its grandchild waits for good and holds the pipe: were it left behind, this would not return.
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.splitlines() == ["1 [1] True", "7"]


def test_what_the_machine_forbids_is_an_error_that_says_which() -> None:
    code = (
        "import resource, threading\n"
        "from nightbook.runs.containment import Containment\n"
        "from nightbook.runs.warm.namespaces import leave_namespace\n"
        # A process of several threads may not leave its user's namespace.
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "leave_namespace(Containment.USER_NAMESPACE)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "OSError: [Errno 22] unshare: Invalid argument" in ended.stderr
