"""What a cell does to its own process, to the operating system or to our machinery ends at most its own run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.end_to_end.conftest import WarmScene

TRUE, FALSE = ("succeeded", None), ("failed", "kernel_died")
WRITE_EVERYWHERE = """\
import os
print("before")
for descriptor in range(3, 100):
    try:
        os.set_blocking(descriptor, False)
        os.write(descriptor, b"x")
    except OSError:
        pass
"""
DAEMONISE = """\
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir("/")
        os.closerange(0, 1000)
        time.sleep(600.5)
    os._exit(0)
os.wait()
"""
CHORUS = """\
import os, sys, threading
def sing(voice):
    for number in range(100):
        sys.stdout.write(f"{voice}-{number:03d}" + "." * 50 + "\\n")
children = []
for voice in range(3):
    if not (pid := os.fork()):
        sing(f"child{voice}")
        os._exit(0)
    children.append(pid)
threads = [threading.Thread(target=sing, args=(f"thread{voice}",)) for voice in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for pid in children:
    os.waitpid(pid, 0)
"""
KILLED_WHILE_PRINTING = """\
import os, time
for turn in range(20):
    if not (pid := os.fork()):
        while True:
            print("x" * 300_000)
    time.sleep(0.01 * turn)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
"""
GO_ON_IN_BOTH = """\
import os
pid = os.fork()
print("parent\\n" if pid else "child\\n", end="")
if not pid:
    1 / 0
os.waitpid(pid, 0)
"""
CELLS: dict[str, tuple[list[str], tuple[str, str | None], str]] = {
    # name: (cells behind the declaration, how the run ends, its message)
    "forks": ([GO_ON_IN_BOTH, "print('next', bool(pid))"], TRUE, ""),
    "sings": ([CHORUS, "print('next')"], TRUE, ""),
    "cut-off": ([KILLED_WHILE_PRINTING, "print('next')"], TRUE, ""),
    "daemonises": ([DAEMONISE, "print('next')"], TRUE, ""),
    "pools": (
        ["import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, range(-3, 3)))"],
        TRUE,
        "",
    ),
    "closes": (
        ["import os\nprint('before')\nos.closerange(3, 1000)", "2"],
        FALSE,
        "the kernel exited with status 1 in cell 1",
    ),
    "last-words": (
        ["import os\nprint('last words')\nos._exit(3)", "2"],
        FALSE,
        "the kernel exited with status 3 in cell 1",
    ),
    "closes-standard": (["import os\nfor one in (0, 1, 2): os.close(one)", "print('next')"], TRUE, ""),
    "writes": (
        [WRITE_EVERYWHERE, "2"],
        FALSE,
        "the kernel cannot be understood since somebody wrote into its own socket in cell 1",
    ),
    "moves": (["import os\nos.chdir('/')", "print('next', os.getcwd())"], TRUE, ""),
    "homeless": (["import os\nos.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')", "print('next')"], TRUE, ""),
    "fills": (
        ["kept = []\nwhile True: kept.append(bytearray(10_000_000))", "2"],
        ("failed", "out_of_memory"),
        "MemoryError in cell 1",
    ),
    "opens": (
        [
            "import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))",
            "kept = []\nwhile True: kept.append(open(os.devnull))",
        ],
        ("failed", "cell_error"),
        "OSError: [Errno 24] Too many open files: '/dev/null' (in cell 2)",
    ),
    "exits": (["import os\nos._exit(7)"], FALSE, "the kernel exited with status 7 in cell 1"),
    "aborts": (["import os\nos.abort()"], FALSE, "the kernel was killed by SIGABRT in cell 1"),
    "kills-group": (["import os\nos.killpg(0, 9)"], FALSE, "the kernel was killed by SIGKILL in cell 1"),
    "alarms": (
        ["import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.1)\nsignal.pause()"],
        FALSE,
        "the kernel was killed by SIGALRM in cell 1",
    ),
    "stops": (
        ["import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"],
        ("failed", "timeout"),
        "a cell took longer than 2 s and was ended in cell 1",
    ),
    "deaf": (
        ["import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)", "time.sleep(600)"],
        ("failed", "timeout"),
        "a cell took longer than 2 s and was ended in cell 2",
    ),
    "stops-child": (
        [
            "import signal, subprocess\nsubprocess.Popen(['sleep', '600.5']).send_signal(signal.SIGSTOP)",
            "print('next')",
        ],
        TRUE,
        "",
    ),
    "leaves-thread": (
        ["import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()", "print('next')"],
        TRUE,
        "",
    ),
    "hides": (
        ["import io, sys\nsys.stdout = io.StringIO()\nprint('hidden')", "sys.stdout = None", "1"],
        FALSE,
        "the kernel exited with status 1 in cell 3",
    ),
    "sinks": (
        ["import sys\nsys.setrecursionlimit(400)\ndef sink(): return sink()", "sink()"],
        ("failed", "cell_error"),
        "RecursionError: maximum recursion depth exceeded (in cell 2)",
    ),
}
# Who is the first in a PID namespace cannot be killed from within; elsewhere these would hit the whole machine.
IN_NAMESPACES: dict[str, tuple[list[str], tuple[str, str | None], str]] = {
    "kills-first": (["import os\nos.kill(1, 9)", "print('next')"], TRUE, ""),
    "kills-all": (["import os\nos.kill(os.fork() and -1 or os.getpid(), 9)", "print('next')"], TRUE, ""),
    "kills-first-politely": (["import os\nos.kill(1, 15); os.kill(1, 2); os.kill(1, 1)", "print('next')"], TRUE, ""),
}
SETTINGS = """\
[stages.fills]
memory_bytes = 600_000_000
[stages.stops]
cell_timeout_seconds = 2
[stages.deaf]
cell_timeout_seconds = 2
"""


def printed(scene: WarmScene, record: dict[str, Any]) -> str:
    cells = scene.executed(record).cells
    return "".join(output.text for cell in cells for output in cell.outputs if output.get("name") == "stdout")


def told(record: dict[str, Any]) -> str:
    """Its message, without how much memory was seen, which nobody knows beforehand."""
    return re.sub(r" \(at most [\d,]+ MB seen\)$", "", record["message"])


@pytest.mark.slow
@pytest.mark.parametrize("containment", ["pid_namespace", "process_tree"])
def test_whatever_a_cell_does_the_run_ends_truly_and_nobody_else_is_touched(
    warm_scene: WarmScene, containment: str
) -> None:
    scene, stories = warm_scene, CELLS | (IN_NAMESPACES if containment == "pid_namespace" else {})
    scene.environment["NIGHTBOOK_CONTAINMENT"] = containment
    first = scene.stage("first", "print('first')")
    scene.run()
    parents = {kind: scene.parent(kind) for kind in ("kernel", "runner", "publisher")}
    descriptors = {kind: parent.num_fds() for kind, parent in parents.items()}
    first.unlink()
    scene.configure(SETTINGS)

    for name, (cells, *_) in stories.items():
        scene.stage(name, *cells)
    records = {record["stage"]: record for record in scene.run("-j", "4", expect=1)}

    assert {name: (one["status"], one["cause"]) for name, one in records.items()} == {
        name: end for name, (_, end, _) in stories.items()
    }, {name: one["message"] for name, one in records.items()}
    assert {name: told(records[name]) for name, (*_, message) in stories.items() if message} == {
        name: message for name, (*_, message) in stories.items() if message
    }
    assert {name for name, one in records.items() if scene.engines(one) != [("fork", "")]} == set()
    assert {
        name: printed(scene, records[name]).count("next")
        for name, (cells, *_) in stories.items()
        if "next" in cells[-1]
    } == {name: 1 for name, (cells, *_) in stories.items() if "next" in cells[-1]}
    assert sorted(printed(scene, records["forks"]).split()) == ["True", "child", "next", "parent"]
    sung = printed(scene, records["sings"]).splitlines()
    voices = [f"{kind}{voice}" for kind in ("child", "thread") for voice in range(3)]
    assert sorted(sung) == sorted(
        [f"{voice}-{number:03d}" + "." * 50 for voice in voices for number in range(100)] + ["next"]
    )
    assert printed(scene, records["closes"]) == "before\n"
    assert printed(scene, records["last-words"]) == "last words\n"
    # Among the descriptors that it wrote to are copies of its standard output.
    assert printed(scene, records["writes"]).rstrip("x") == "before\n"
    assert printed(scene, records["moves"]) == "next /\n"

    assert scene.survivors() == []
    for kind, parent in parents.items():
        assert scene.parent(kind) == parent
        assert scene.threads(parent) == 1
        assert not parent.children()
        assert parent.num_fds() == descriptors[kind]
