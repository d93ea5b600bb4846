from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.warmth import WarmFolder, is_running, until

from nightbook.runs.containment import Containment, choose_containment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forks import Sleeper, Talk

ENDLESS = "import time\nprint('at work', flush=True)\nwhile True:\n    time.sleep(0.01)"


@pytest.fixture(params=["strongest", "tree"])
def kernel(request: pytest.FixtureRequest, shared_warm: WarmFolder, fork: Callable[..., Talk]) -> Talk:
    """A kernel that is contained as well as this machine can, and as well as any can."""
    containment = choose_containment() if request.param == "strongest" else Containment.PROCESS_TREE
    return fork(containment=containment)


@pytest.mark.parametrize(
    ("code", "returncode"),
    [
        ("os._exit(0)", 0),
        ("os._exit(7)", 7),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_it_tells_how_the_kernel_ended(kernel: Talk, code: str, returncode: int) -> None:
    assert kernel.manager.returncode(within_seconds=0) is None
    kernel.begin(f"import os; {code}")
    assert kernel.manager.returncode(within_seconds=60) == returncode
    until(lambda: not is_running(kernel.ends.keeper_pid))


def test_a_kernel_whose_client_leaves_ends_in_good_order(kernel: Talk) -> None:
    kernel.run("1")
    kernel.manager.shutdown_kernel()
    assert kernel.manager.returncode(within_seconds=60) == 0
    until(lambda: not is_running(kernel.ends.keeper_pid))


def test_an_interrupt_reaches_the_cell_and_not_the_kernel(kernel: Talk) -> None:
    kernel.begin(ENDLESS)
    assert "at work" in kernel.hear(until_said="at work")
    kernel.manager.interrupt_kernel()
    assert kernel.hear().endswith("KeyboardInterrupt")
    assert kernel.run("print('still here')") == "still here\n"


def test_a_kernel_that_is_killed_leaves_nobody(kernel: Talk, sleeper: Sleeper) -> None:
    kernel.run(sleeper.daemonise)
    until(lambda: sleeper.is_there)
    kernel.begin(ENDLESS)
    kernel.hear(until_said="at work")
    kernel.manager.shutdown_kernel(now=True)
    until(lambda: not is_running(kernel.ends.keeper_pid))
    until(lambda: not sleeper.is_there)


def test_a_kernel_that_ends_leaves_nobody(kernel: Talk, sleeper: Sleeper) -> None:
    kernel.run(sleeper.daemonise)
    until(lambda: sleeper.is_there)
    kernel.begin("import os; os._exit(3)")
    assert kernel.manager.returncode(within_seconds=60) == 3
    until(lambda: not sleeper.is_there)


def test_whoever_loses_touch_with_a_kernel_ends_it(kernel: Talk, sleeper: Sleeper) -> None:
    kernel.run(sleeper.daemonise)
    kernel.begin("import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + ENDLESS)
    kernel.hear(until_said="at work")
    until(lambda: sleeper.is_there)
    kernel.ends.keeper.close()
    until(lambda: not is_running(kernel.ends.keeper_pid))
    until(lambda: not sleeper.is_there)


def test_a_keeper_that_is_killed_takes_all_along(kernel: Talk, sleeper: Sleeper) -> None:
    kernel.run(sleeper.daemonise)
    kernel.begin(ENDLESS)
    kernel.hear(until_said="at work")
    until(lambda: sleeper.is_there)
    os.kill(kernel.ends.keeper_pid, signal.SIGKILL)
    until(lambda: not sleeper.is_there)
    assert kernel.manager.returncode(within_seconds=0) is None


def test_the_end_of_one_keeper_is_no_matter_to_another_kernel(kernel: Talk, fork: Callable[..., Talk]) -> None:
    other = fork()
    os.kill(kernel.ends.keeper_pid, signal.SIGKILL)
    until(lambda: not is_running(kernel.ends.keeper_pid))
    assert other.run("print('still here')") == "still here\n"
