from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.runs.warm.isolation import present_surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ENTER = """
import json, os, sys
{before}
from nightbook.runs.warm.isolation import Surroundings, enter
wanted = json.loads(sys.argv[1])
enter(Surroundings(**wanted))
{after}
"""


@pytest.fixture
def entered(tmp_path: Path) -> Callable[..., Any]:
    """Has a process enter surroundings, and returns what it then says of itself in JSON."""

    def enter(after: str, *, before: str = "", given: Mapping[str, Any] | None = None, **environment: str) -> Any:
        surroundings = {"environment": environment, "working_directory": str(tmp_path), **(given or {})}
        code = ENTER.format(before=before, after=f"print(json.dumps({after}))")
        command = [sys.executable, "-c", code, json.dumps(surroundings)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return enter


def test_environment_folder_and_umask_are_those_asked_for(entered: Callable[..., Any], tmp_path: Path) -> None:
    after = "[dict(os.environ), os.getcwd(), os.umask(0), os.popen('echo $A').read()]"
    assert entered(after, given={"umask": 0o027}, A="1") == [{"A": "1"}, str(tmp_path), 0o027, "1\n"]


def test_what_imports_set_in_the_environment_stays_below_what_was_asked_for(entered: Callable[..., Any]) -> None:
    before = "import nightbook.runs.warm.isolation as one\nkept = one.Surroundings\n"
    before += "one.Surroundings = lambda **words: kept(**words, changed_by_imports={'A': 'import', 'B': 'import'})"
    assert entered("dict(os.environ)", before=before, A="asked") == {"A": "asked", "B": "import"}


def test_the_time_zone_is_that_of_the_environment(entered: Callable[..., Any]) -> None:
    before = "import time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()"
    assert entered("time.tzname", before=before, TZ="Europe/Berlin") == ["CET", "CEST"]


@pytest.mark.parametrize("how", ["print", "signal.SIG_IGN"])
def test_signals_are_as_in_a_fresh_process(entered: Callable[..., Any], how: str) -> None:
    before = (
        "import signal\n"
        "for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:\n"
        f"    signal.signal(number, {how})\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])"
    )
    after = (
        "[len(signal.pthread_sigmask(signal.SIG_BLOCK, ())), signal.getsignal(signal.SIGINT).__name__,"
        " sorted(one.name for one in signal.Signals if signal.getsignal(one) == signal.SIG_IGN),"
        " [one for one in signal.valid_signals() if signal.getsignal(one) is print]]"
    )
    assert entered(after, before=before) == [0, "default_int_handler", ["SIGPIPE", "SIGXFSZ"], []]


def test_what_is_done_about_crashes_below_python_stays(entered: Callable[..., Any]) -> None:
    with pytest.raises(subprocess.CalledProcessError) as crashed:
        entered("os.kill(os.getpid(), 11)", before="import faulthandler; faulthandler.enable()")
    assert "Fatal Python error: Segmentation fault" in crashed.value.stderr


def test_limits_and_processors_are_those_asked_for(entered: Callable[..., Any]) -> None:
    one = min(os.sched_getaffinity(0))
    after = "[__import__('resource').getrlimit(__import__('resource').RLIMIT_NOFILE)[0], list(os.sched_getaffinity(0))]"
    given = {"limits": {"RLIMIT_NOFILE": 222}, "processors": [one]}
    assert entered(after, given=given) == [222, [one]]


def test_libraries_have_a_thread_for_each_processor_that_was_asked_for(entered: Callable[..., Any]) -> None:
    before = "os.environ['OPENBLAS_NUM_THREADS'] = '1'\nimport numpy, threadpoolctl"
    after = "[one['num_threads'] for one in threadpoolctl.threadpool_info() if one['internal_api'] == 'openblas']"
    found = entered(after, before=before, given={"processors": [min(os.sched_getaffinity(0))]})
    assert found == [1] * len(found)


def test_two_forks_of_one_process_draw_different_numbers_and_have_different_keys() -> None:
    code = """
import multiprocessing.process as process, os, random, sys
import numpy
from nightbook.runs.warm.isolation import enter, present_surroundings
numpy.random.rand(); random.random()
for _ in range(2):
    if os.fork() == 0:
        enter(present_surroundings())
        print(random.random(), numpy.random.rand(), process.current_process().authkey.hex(), flush=True)
        os._exit(0)
    os.wait()
"""
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
    assert all(one != other for one, other in zip(said[0].split(), said[1].split(), strict=True))


def test_processes_that_it_spawns_look_for_modules_in_its_folder(entered: Callable[..., Any], tmp_path: Path) -> None:
    before = "import multiprocessing.process as process"
    assert entered("process.ORIGINAL_DIR", before=before) == str(tmp_path)


@pytest.mark.parametrize(
    ("environment", "threads"), [({"OPENBLAS_NUM_THREADS": "3"}, 3), ({"OMP_NUM_THREADS": "2"}, 2), ({}, None)]
)
def test_libraries_that_were_held_to_one_thread_get_theirs(
    entered: Callable[..., Any], environment: dict[str, str], threads: int | None
) -> None:
    before = "os.environ |= {'OPENBLAS_NUM_THREADS': '1', 'OMP_NUM_THREADS': '1'}\nimport numpy, threadpoolctl"
    after = "[one['num_threads'] for one in threadpoolctl.threadpool_info() if one['internal_api'] == 'openblas']"
    found = entered(after, before=before, **environment)
    assert found == [threads or len(os.sched_getaffinity(0))] * len(found)


def test_where_no_library_has_threads_none_is_asked(entered: Callable[..., Any]) -> None:
    assert entered("['threadpoolctl' in sys.modules, 'numpy' in sys.modules]") == [False, False]


def test_memory_is_bounded_when_asked_for() -> None:
    code = """
import resource
from nightbook.runs.warm.isolation import Surroundings, enter
enter(Surroundings(environment={}, working_directory="/", memory_bytes=123 << 20))
print(resource.getrlimit(resource.RLIMIT_DATA) == (123 << 20, 123 << 20))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"True\n"


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    code = f"from nightbook.runs.warm.isolation import *; enter(Surroundings(environment={{}}, working_directory={str(gone)!r}))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode != -signal.SIGKILL
    assert "FileNotFoundError" in ended.stderr


def test_the_present_surroundings_are_those_of_this_process(tmp_path: Path) -> None:
    before = os.umask(0o031)
    try:
        found = present_surroundings(str(tmp_path))
        assert (found.umask, found.working_directory) == (0o031, str(tmp_path))
        assert found.environment == dict(os.environ)
        assert found.limits["RLIMIT_NOFILE"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert set(found.processors) == os.sched_getaffinity(0)
        assert os.umask(0o031) == 0o031
    finally:
        os.umask(before)
