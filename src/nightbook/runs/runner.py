"""The runner's process, as its supervisor holds it: started and contained, or forked from the supervisor itself."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from setproctitle import setproctitle

from nightbook.runs.census import RUN_FOLDER, RUN_VARIABLE, RUNNER_MODULE
from nightbook.runs.containment import (
    choose_containment,
    contained_command,
    die_with_parent,
    end_with_parent,
)
from nightbook.runs.process import command_for
from nightbook.runs.request import FORK, REQUEST, ExecutionRequest

if TYPE_CHECKING:
    from typing import IO


class Runner(Protocol):
    """What a supervisor asks of the runner's process, in the words of `subprocess`."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """How it ended, once it has."""

    def kill(self) -> None:
        """End it at once."""


def start_runner(request: ExecutionRequest) -> Runner:
    """Start the runner of a request, whose file is in the run's folder.

    A runner with an engine that forks has no children: what it runs is kept together elsewhere. Any other one is
    started in what contains them.
    """
    own = {
        # A notebook that imports mlflow is not to call out from a thread, unless its user wants it to.
        "MLFLOW_DISABLE_TELEMETRY": os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true"),
        RUN_VARIABLE: request.run_id,
        RUN_FOLDER: request.folder,
    }
    if request.engine == FORK and RUNNER_MODULE in sys.modules:
        return ForkedRunner(request, own)
    command = command_for(RUNNER_MODULE, str(Path(request.folder) / REQUEST))
    if request.engine == FORK:
        command = die_with_parent(command)
    else:
        command = contained_command(command, choose_containment(request.containment))
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=request.working_directory,
        env={**os.environ, **own},
        start_new_session=True,
    )


class ForkedRunner:
    """A runner forked from a supervisor that has all of its modules loaded.

    Args:
        request: What to execute.
        environment: Variables that it gets beyond the supervisor's.
    """

    def __init__(self, request: ExecutionRequest, environment: dict[str, str]) -> None:
        commands, ours = os.pipe()
        log, theirs = os.pipe()
        self._returncode: int | None = None
        supervisor = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            _be_runner(request, environment, (commands, theirs), supervisor)
        os.close(commands)
        os.close(theirs)
        self.stdin: IO[bytes] | None = io.FileIO(ours, "w")
        self.stdout: IO[bytes] | None = os.fdopen(log, "rb")

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._await(os.WNOHANG)

    def wait(self) -> int:
        """How it ended, once it has."""
        while (returncode := self._await(0)) is None:
            pass
        return returncode

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _await(self, options: int) -> int | None:
        if self._returncode is None:
            pid, status = os.waitpid(self.pid, options)
            self._returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self._returncode


def _be_runner(
    request: ExecutionRequest, environment: dict[str, str], ends: tuple[int, int], supervisor: int
) -> NoReturn:
    try:
        end_with_parent(supervisor)
        os.setsid()
        for received in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(received, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        commands, log = ends
        for end, number in ((commands, 0), (log, 1), (log, 2)):
            os.dup2(end, number)
        # The supervisor's own ends too: the pipes shall end with whom they lead to.
        os.closerange(3, 3 + _MOST_DESCRIPTORS)
        os.environ.update(environment)
        setproctitle(" ".join(command_for(RUNNER_MODULE, str(Path(request.folder) / REQUEST))))
        engine = import_module(RUNNER_MODULE)
        engine.be_runner(request)
    except BaseException:  # noqa: BLE001 - nothing of the supervisor may go on in its child
        traceback.print_exc()
    finally:
        os._exit(1)


_MOST_DESCRIPTORS = 256
