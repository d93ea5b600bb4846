from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from nightbook.errors import SettingsError
from nightbook.runs import containment
from nightbook.runs.containment import (
    Containment,
    become_subreaper,
    choose_containment,
    contained_command,
    die_with_parent,
    end_with_peer,
    outlive_peer,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def test_the_weakest_is_always_there_when_asked_for() -> None:
    assert choose_containment("process_tree") is Containment.PROCESS_TREE


def test_a_namespace_that_cannot_be_had_is_refused_rather_than_weakened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containment, "_strongest_containment", lambda _: Containment.PROCESS_TREE)
    assert choose_containment("auto") is Containment.PROCESS_TREE
    with pytest.raises(SettingsError, match="allows no PID namespaces"):
        choose_containment("pid_namespace")


def test_in_whatever_containment_the_command_runs() -> None:
    for one in {Containment.PROCESS_TREE, choose_containment()}:
        command = contained_command([sys.executable, "-c", "print(6 * 7)"], one)
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "42\n"


def test_a_namespace_ends_with_whoever_started_it(missing: Callable[[str], NoReturn]) -> None:
    if choose_containment() is Containment.PROCESS_TREE:
        missing("PID namespaces")
    inner = contained_command(["sh", "-c", "sleep 300 & echo started; wait"], choose_containment())
    code = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *inner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == "started\n"
        contained = psutil.Process(outer.pid).children(recursive=True)
        outer.kill()
        _, alive = psutil.wait_procs(contained, timeout=10)
        assert alive == []


def test_a_command_dies_with_its_parent_where_that_can_be_had() -> None:
    assert die_with_parent(["true"])[-1] == "true"


def test_orphans_come_to_a_subreaper() -> None:
    code = (
        "import os, subprocess\n"
        "from nightbook.runs.containment import become_subreaper\n"
        "become_subreaper()\n"
        "child = subprocess.Popen(['sh', '-c', 'sleep 0.2 & exec true'])\n"
        "child.wait()\n"
        "print(os.wait()[0] != child.pid)"
    )
    assert become_subreaper is not None
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "True\n"


def test_a_process_ends_in_the_middle_of_anything_when_its_peer_is_gone_unless_it_listens_itself() -> None:
    for peace, expected in ((end_with_peer, -signal.SIGKILL), (outlive_peer, 3)):
        ours, theirs = socket.socketpair()
        code = (
            "import socket, sys\n"
            "from nightbook.runs.containment import end_with_peer, outlive_peer\n"
            f"end_with_peer({theirs.fileno()})\n"
            f"{peace.__name__}({theirs.fileno()})\n"
            "print('ready', flush=True)\n"
            "sys.stdin.read()\n"
            "raise SystemExit(3)"
        )
        with (
            theirs,
            subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            ) as process,
        ):
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == b"ready\n"
            ours.close()
            if peace is outlive_peer:
                process.stdin.close()
            assert process.wait(10) == expected
