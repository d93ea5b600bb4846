"""Awaited, threaded and forked cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "await": [
        """\
import asyncio
await asyncio.sleep(0, 'slept')""",
        """\
async def number(n):
    await asyncio.sleep(0)
    return n
await asyncio.gather(*map(number, range(3)))""",
        """\
async def numbers():
    for n in range(3):
        yield n
[n async for n in numbers()]""",
        "async for n in numbers(): print(n)",
        "async with asyncio.timeout(1): print('in time')",
        "task = asyncio.create_task(number(7))",
        "await task",
        """\
# tags: raises-exception
async def fail():
    await asyncio.sleep(0)
    raise ValueError('in async')
await fail()""",
        "asyncio.get_running_loop().is_running(), asyncio.current_task() is not None",
        """\
# tags: raises-exception
asyncio.run(number(1))""",
        "asyncio.get_event_loop() is asyncio.get_running_loop()",
        """\
import sys
sys.version_info[:2], asyncio.get_event_loop_policy().__class__.__name__""",
    ],
    "await-across-cells": [
        """\
import asyncio
seen = []
async def tick():
    for n in range(3):
        await asyncio.sleep(0)
        seen.append(n)
task = asyncio.create_task(tick()); done = asyncio.Event()""",
        "await asyncio.sleep(0.02); seen",
        """\
asyncio.get_running_loop().call_soon(done.set)
await done.wait()""",
        "queue = asyncio.Queue(); await queue.put(1); await queue.get()",
        "await asyncio.to_thread(sum, [1, 2])",
        """\
process = await asyncio.create_subprocess_exec('echo', 'x', stdout=asyncio.subprocess.PIPE)
(await process.communicate())[0], process.returncode""",
        """\
def plain():
    return asyncio.get_running_loop().is_running()
plain()""",
        "%autoawait",
        """\
# tags: raises-exception
await asyncio.wait_for(asyncio.sleep(5), 0.01)""",
        "(x := await number(1)) if False else 'not awaited'",
        """\
try:
    import nest_asyncio
except ImportError:
    print('none')""",
        "asyncio.get_running_loop().create_future().cancel()",
    ],
    "threads": [
        """\
import threading
def say(n): print('thread', n)
one = threading.Thread(target=say, args=(1,)); one.start(); one.join()""",
        "threading.current_thread() is threading.main_thread(), threading.main_thread().name",
        """\
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, 2])))""",
        """\
def fail(): raise ValueError('in a thread')
one = threading.Thread(target=fail, name='failing'); one.start(); one.join()""",
        """\
from IPython.display import display
one = threading.Thread(target=display, args=('shown',)); one.start(); one.join()""",
        "local = threading.local(); local.x = 1; local.x",
        """\
import signal
signal.alarm(0), threading.get_ident() == threading.main_thread().ident""",
    ],
    "forks": [
        """\
import multiprocessing, os
def work(n):
    print('worker', n, flush=True)
    return n * 2
context = multiprocessing.get_context('fork')
process = context.Process(target=work, args=(1,)); process.start(); process.join(); process.exitcode""",
        "with context.Pool(1) as pool: print(pool.map(abs, [-1, -2]))",
        """\
pid = os.fork()
if pid == 0:
    os._exit(5)
os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])""",
        """\
pid = os.fork()
if pid == 0:
    print('from a child', flush=True); os._exit(0)
os.waitpid(pid, 0); None""",
        """\
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(1, mp_context=context) as pool: print(pool.submit(pow, 2, 3).result())""",
        "multiprocessing.get_start_method(), multiprocessing.current_process().name, multiprocessing.parent_process()",
        "queue = context.Queue(); context.Process(target=queue.put, args=(3,)).start(); queue.get()",
        """\
def fail(): raise ValueError('in a process')
process = context.Process(target=fail); process.start(); process.join(); process.exitcode""",
    ],
    "spawned": [
        """\
%%writefile jobs.py
def double(n):
    print('spawned', n, flush=True)
    return 2 * n""",
        """\
import multiprocessing, jobs
context = multiprocessing.get_context('spawn')
with context.Pool(1) as pool: doubled = pool.map(jobs.double, [4])""",
        "doubled",
        """\
context = multiprocessing.get_context('forkserver')
process = context.Process(target=jobs.double, args=(5,)); process.start(); process.join()""",
        "process.exitcode",
    ],
    "signals": [
        """\
import signal
names = [number.name for number in signal.Signals if signal.getsignal(number) not in (signal.SIG_DFL, None)]
names, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGCHLD)""",
        "signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getitimer(signal.ITIMER_REAL)",
        """\
def ring(*_): raise TimeoutError('rang')
signal.signal(signal.SIGALRM, ring)""",
        """\
# tags: raises-exception
import time
signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(5)""",
        """\
import os
heard = []
signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number)); os.kill(os.getpid(), signal.SIGUSR1); heard""",
        """\
# tags: raises-exception
os.kill(os.getpid(), signal.SIGINT); time.sleep(5)""",
        "signal.signal(signal.SIGINT, signal.SIG_IGN), signal.set_wakeup_fd(-1)",
        "os.kill(os.getpid(), signal.SIGINT); 'survived'",
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)",
    ],
    "at-exit": [
        """\
import atexit
def leave(): open('left.txt', 'w').write('at exit')
atexit.register(leave) is leave""",
        """\
import weakref, gc
class Node: pass
node = Node(); gone = weakref.finalize(node, print, 'finalised'); del node; gc.collect(); gone.alive""",
        "gc.isenabled(), gc.get_threshold(), gc.get_freeze_count() >= 0",
        """\
import tempfile
folder = tempfile.TemporaryDirectory(); folder.cleanup()""",
    ],
    "background-print": [
        """\
import threading
ready, go = threading.Event(), threading.Event()
def say():
    ready.set(); go.wait(); print('said in a later cell'); ready.set()
thread = threading.Thread(target=say); thread.start(); ready.wait(); ready.clear(); None""",
        "go.set(); thread.join(); 'joined'",
    ],
}
# They print below Python.
UNSTEADY = {"forks", "spawned"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name], is_steady=name not in UNSTEADY)
    assert not found, found
