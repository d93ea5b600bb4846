from __future__ import annotations

import subprocess
import sys

import pytest

# What lives in a process is looked at in one of its own: a test's has threads and sockets.
LOOK = """
import asyncio, mmap, os, socket, subprocess, sys, tempfile, threading
from nightbook.runs.warm.descriptors import open_descriptors
from nightbook.runs.warm.trunk import why_not_forked
loop = asyncio.new_event_loop()
before = open_descriptors()
{cell}
print(why_not_forked(loop, before))
"""
REASONS = [
    ("pass", ""),
    ("file = open(sys.executable, 'rb')", ""),
    ("null = open(os.devnull, 'w')", ""),
    ("file = tempfile.NamedTemporaryFile()", "is open for writing"),
    ("pair = socket.socketpair()", "a connection is open"),
    ("ends = os.pipe()", "a pipe is open"),
    (
        "thread = threading.Thread(target=threading.Event().wait, daemon=True); thread.start()",
        "a thread lives: Thread-1",
    ),
    ("task = loop.create_task(asyncio.sleep(1))", "a task of asyncio waits"),
    ("child = subprocess.Popen(['sleep', '60'])", "a process that a cell started lives"),
    ("memory = mmap.mmap(-1, 4096)", "memory is shared"),
]


@pytest.mark.parametrize(("cell", "reason"), REASONS)
def test_what_would_live_twice_or_not_at_all_is_a_reason_not_to_fork(cell: str, reason: str) -> None:
    ending = "\nif 'child' in globals(): child.kill(); child.wait()\nos._exit(0)"
    code = LOOK.format(cell=cell) + "sys.stdout.flush()" + ending
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert reason in said
    assert bool(reason) == bool(said)
