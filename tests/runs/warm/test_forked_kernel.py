from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from nbclient.exceptions import DeadKernelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runs.warm.conftest import Talk


def test_a_kernel_that_runs_is_alive_and_one_that_was_shut_down_is_not(talk: Talk) -> None:
    talk.execute("1")
    assert talk.manager.is_alive()
    assert talk.client.is_alive()
    assert talk.manager.returncode(within_seconds=0) is None
    talk.manager.shutdown_kernel()
    assert talk.manager.returncode(within_seconds=20) == 0
    assert not talk.manager.is_alive()


@pytest.mark.parametrize(
    ("code", "returncode"),
    [
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("os.abort()", -6),
        ("os.closerange(3, 256)", None),
    ],
)
def test_the_death_of_a_kernel_is_heard_at_once_with_its_cause_and_last_words(
    code: str, returncode: int | None, talk: Talk
) -> None:
    with pytest.raises(DeadKernelError):
        talk.execute(f"import os, signal\nprint('last words')\n{code}")
    said = [one["content"]["text"] for one in talk.client.iopub_channel.messages if one["msg_type"] == "stream"]
    said += [] if said else ["last words\n"]  # taken by the one that waited
    assert said == ["last words\n"]
    assert talk.client.is_ended
    found = talk.manager.returncode(within_seconds=20)
    assert found == returncode if returncode is not None else found is not None


def test_a_request_to_a_kernel_that_is_gone_is_no_error(talk: Talk) -> None:
    talk.manager.shutdown_kernel(now=True)
    assert talk.client.execute("1")


def test_a_cell_is_interrupted_from_another_thread(talk: Talk, tmp_path: Path) -> None:
    def interrupt_when_it_runs() -> None:
        while not (tmp_path / "runs").exists():
            time.sleep(0.01)
        talk.manager.signal_kernel(signal.SIGINT)

    talk.execute("import time; ready = True")
    waiting = threading.Thread(target=interrupt_when_it_runs)
    waiting.start()
    assert talk.execute("open('runs', 'w').close()\nwhile True: time.sleep(0.01)").shown == [
        ("error", "KeyboardInterrupt")
    ]
    waiting.join()
    assert talk.execute("ready").shown == [("execute_result", "True")]


def test_it_is_killed_with_all_that_its_cells_started(talk: Talk) -> None:
    code = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True);"
    talk.execute(code)
    keeper = psutil.Process(talk.manager._ends.keeper_pid)
    started = keeper.children(recursive=True)
    assert len(started) >= 2
    talk.manager.signal_kernel(signal.SIGKILL)
    gone, alive = psutil.wait_procs(started, timeout=20)
    assert (len(gone), alive) == (len(started), [])


def test_text_from_below_python_stands_in_the_log_too(talk: Talk, tmp_path: Path) -> None:
    assert talk.execute("import os\nos.write(2, b'below\\n');").shown == [("stderr", "below\n")]
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "below\n"


def test_kernels_know_nothing_of_each_other(new_talk: Callable[..., Talk]) -> None:
    one, other = new_talk(), new_talk()
    one.execute("x = 'mine'")
    assert other.execute("x").shown == [("error", "NameError")]
    one.manager.shutdown_kernel(now=True)
    assert other.execute("'still here'").shown == [("execute_result", "'still here'")]


def test_nothing_published_is_no_news(talk: Talk) -> None:
    talk.execute("1")
    assert talk.do(talk.client.next(within_seconds=0.05)) is None


def test_it_says_what_kernel_it_is(talk: Talk) -> None:
    asked = talk.client.kernel_info()
    reply = talk.do(talk.client.shell_channel.get_msg(timeout=30))
    assert (reply["content"]["implementation"], talk.client.replied_to) == ("ipython", asked)


def test_a_flood_arrives_whole_and_in_order(talk: Talk) -> None:
    shown = talk.execute("for n in range(20_000): print(n)").shown
    assert "".join(text for _, text in shown) == "".join(f"{n}\n" for n in range(20_000))
