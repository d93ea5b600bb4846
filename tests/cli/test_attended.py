from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.warmth import STAND_IN, WarmFolder, failing_parent, is_running, release, until

from nightbook.cli.attended import attend
from nightbook.runs.warm.asking import ask
from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.orders import Order
from nightbook.runs.warm.places import RUNNER, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ATTEND = "import sys\nfrom nightbook.cli.attended import attend\nsys.exit(attend(sys.argv[1:]))"
# Ends by a signal with a code of its own, having said which.
AT_WORK = """
import os, signal, time
def end(number, _):
    open("ended", "w").write(signal.Signals(number).name)
    os._exit(0)
for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, end)
open("at work.part", "w").write(str(os.getpid()))
os.rename("at work.part", "at work")
time.sleep(600)
"""


@pytest.fixture
def stand_in(warm: WarmFolder) -> WarmFolder:
    warm.start_light(prelude=STAND_IN)
    return warm


@pytest.fixture
def attendant(stand_in: WarmFolder, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A process that has some code carried out elsewhere."""
    begun: list[subprocess.Popen[str]] = []

    def begin(code: str, *, umask: int = -1, preexec_fn: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", ATTEND, code],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=umask,
            preexec_fn=preexec_fn,  # noqa: PLW1509 - it calls the operating system only
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_a_commands_code_and_words_are_its_attendants(
    attendant: Callable[..., subprocess.Popen[str]], code: int
) -> None:
    process = attendant(f"import sys\ncode = {code}\nprint(input())\nprint('complained', file=sys.stderr)")
    assert process.communicate("a word\n") == ("a word\n", "complained\n")
    assert process.returncode == code


def test_a_command_has_the_surroundings_of_who_typed_it(
    attendant: Callable[..., subprocess.Popen[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_VARIABLE", "a value")
    tell = "import json, os\nprint(json.dumps([os.getcwd(), os.environ['A_VARIABLE'], os.umask(0), os.getpid()]))"
    process = attendant(tell, umask=0o027)
    folder, value, umask, pid = json.loads(process.communicate()[0])
    assert (folder, value, umask) == (str(tmp_path), "a value", 0o027)
    assert pid != process.pid


def test_a_command_has_the_processors_and_limits_of_who_typed_it(
    attendant: Callable[..., subprocess.Popen[str]],
) -> None:
    tell = (
        "import json, os, resource\n"
        "print(json.dumps([os.getppid(), sorted(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_NOFILE)]))"
    )
    first, hard = min(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def restrict() -> None:
        os.sched_setaffinity(0, {first})
        resource.setrlimit(resource.RLIMIT_NOFILE, (333, hard))

    restricted, plain = (json.loads(attendant(tell, preexec_fn=one).communicate()[0]) for one in (restrict, None))
    assert restricted == [plain[0], [first], [333, hard]]
    assert plain[1:] == [sorted(os.sched_getaffinity(0)), list(resource.getrlimit(resource.RLIMIT_NOFILE))]


def test_who_is_nicer_than_the_parent_is_not_served_by_it(attendant: Callable[..., subprocess.Popen[str]]) -> None:
    process = attendant("print('done elsewhere')", preexec_fn=lambda: os.nice(1))
    assert process.communicate()[0] == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command(
    attendant: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    process = attendant(AT_WORK)
    until((tmp_path / "at work").exists)
    process.send_signal(number)
    process.wait()
    assert (tmp_path / "ended").read_text() == number.name


def test_the_end_of_its_attendant_is_a_hang_up_for_the_command(
    attendant: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = attendant(AT_WORK)
    until((tmp_path / "at work").exists)
    process.kill()
    command = int((tmp_path / "at work").read_text())
    until(lambda: not is_running(command))
    assert (tmp_path / "ended").read_text() == "SIGHUP"


def test_a_command_whose_attendant_is_gone_before_it_begins_does_not_begin(
    stand_in: WarmFolder, tmp_path: Path
) -> None:
    order = Order(
        surroundings=present_surroundings(str(tmp_path)),
        module="nightbook.cli.attended",
        arguments=("open('begun', 'w').close()",),
    )
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, Path(os.devnull).open("r+b") as nothing:
        given = (*[nothing.fileno()] * 3, theirs.fileno())
        forked = ask(place_of(RUNNER, os.environ), order, given, None)
    assert forked is not None
    assert select.select([forked.handle], [], [], 60)[0]
    release(forked)
    assert not (tmp_path / "begun").exists()


def test_a_command_that_is_killed_says_so(attendant: Callable[..., subprocess.Popen[str]]) -> None:
    process = attendant("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    process.communicate()
    assert process.returncode == 128 + signal.SIGKILL


def test_without_a_parent_nothing_is_begun(warm: WarmFolder) -> None:
    assert attend(["run"]) is None
    with failing_parent(place_of(RUNNER, os.environ)), suppress(OSError):
        assert attend(["run"]) is None
    warm.path.chmod(0o755)
    assert attend(["run"]) is None
