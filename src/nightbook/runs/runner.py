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
    Containment,
    choose_containment,
    contained_command,
    die_with_parent,
    end_with_parent,
)
from nightbook.runs.process import command_for
from nightbook.runs.request import FORK, REQUEST, ExecutionRequest
from nightbook.runs.warm.isolation import ONE_THREAD
from nightbook.runs.warm.namespaces import leave_namespace, show_own_processes
from nightbook.systems import DETACHED

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
    started in what contains them. A supervisor that has all of the runner's modules loaded forks it.
    """
    own = {
        **threads_environment(request),
        # A notebook that imports mlflow is not to call out from a thread, unless its user wants it to.
        "MLFLOW_DISABLE_TELEMETRY": os.environ.get("MLFLOW_DISABLE_TELEMETRY", "true"),
        RUN_VARIABLE: request.run_id,
        RUN_FOLDER: request.folder,
    }
    containment = None if request.engine == FORK else choose_containment(request.containment)
    if RUNNER_MODULE in sys.modules:
        return ForkedRunner(request, own, containment)
    command = _command(request)
    return subprocess.Popen(
        die_with_parent(command) if containment is None else contained_command(command, containment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=request.working_directory,
        env={**os.environ, **own},
        **DETACHED,
    )


def _command(request: ExecutionRequest) -> list[str]:
    return command_for(RUNNER_MODULE, str(Path(request.folder) / REQUEST))


def threads_environment(request: ExecutionRequest) -> dict[str, str]:
    """Variables that say how many threads libraries may use; whoever has set one of them is obeyed."""
    if request.threads is None or any(os.environ.get(name) for name in ONE_THREAD):
        return {}
    return dict.fromkeys(ONE_THREAD, str(request.threads))


class ForkedRunner:
    """A runner forked from a supervisor that has all of its modules loaded.

    Args:
        request: What to execute.
        environment: Variables that it gets beyond the supervisor's.
        containment: What keeps it and what it starts together; None for a runner without children.
    """

    def __init__(
        self, request: ExecutionRequest, environment: dict[str, str], containment: Containment | None = None
    ) -> None:
        commands, ours = os.pipe()
        log, theirs = os.pipe()
        self._returncode: int | None = None
        supervisor = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            try:
                _take_ends(commands, theirs)
                _be_contained(request, containment, supervisor)
                _be_runner(request, environment)
            except BaseException:  # noqa: BLE001 - nothing of the supervisor may go on in its child
                traceback.print_exc()
            finally:
                os._exit(1)
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


def _take_ends(commands: int, log: int) -> None:
    for end, number in ((commands, 0), (log, 1), (log, 2)):
        os.dup2(end, number)
    # The supervisor's own ends too: the pipes shall end with whom they lead to.
    os.closerange(3, 3 + _MOST_DESCRIPTORS)


def _be_contained(request: ExecutionRequest, containment: Containment | None, supervisor: int) -> None:
    """Return in the process that is to be the runner; in a PID namespace it is the first."""
    os.setsid()
    if containment is Containment.PROCESS_TREE:
        # It shall outlive a supervisor that is killed: by the moment that it takes to end everything else.
        return
    end_with_parent(supervisor)
    if containment is None:
        return
    leave_namespace(containment)
    runner = os.fork()
    if runner:
        _hold(request, runner)
    end_with_parent(_OUTSIDE)
    os.setsid()
    show_own_processes()


def _hold(request: ExecutionRequest, runner: int) -> NoReturn:
    """End as the runner ends, and have the namespace end with this process."""
    setproctitle(" ".join(["nightbook namespace", *_command(request)]))
    deaf_to = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for received in deaf_to:
        signal.signal(received, signal.SIG_IGN)
    returncode = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
    if returncode < 0:
        if -returncode in deaf_to:
            signal.signal(-returncode, signal.SIG_DFL)
        os.kill(os.getpid(), -returncode)
    os._exit(returncode)


def _be_runner(request: ExecutionRequest, environment: dict[str, str]) -> NoReturn:
    for received in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(received, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request.working_directory)
    os.environ.update(environment)
    setproctitle(" ".join(_command(request)))
    import_module(RUNNER_MODULE).be_runner(request)
    os._exit(1)


_MOST_DESCRIPTORS = 256
# Who is in no namespace of ours has this process id in it.
_OUTSIDE = 0
