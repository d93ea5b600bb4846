"""Cells that raise, and what ends a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "plain": [
        "x = 1",
        "1 / 0",
        "print('not reached')",
    ],
    "expected": [
        """\
# tags: raises-exception
raise ValueError('expected')""",
        """\
# tags: raises-exception
def inner(n):
    if n == 0:
        raise KeyError('deep')
    inner(n - 1)
inner(3)""",
        """\
# tags: raises-exception
try:
    1 / 0
except ZeroDivisionError as error:
    raise RuntimeError('chained') from error""",
        """\
# tags: raises-exception
try:
    1 / 0
except ZeroDivisionError:
    raise TypeError('while handling')""",
        """\
# tags: raises-exception
raise RuntimeError('hidden') from None""",
        """\
# tags: raises-exception
raise ExceptionGroup('group', [ValueError(1), TypeError(2)])""",
        """\
# tags: raises-exception
error = ValueError('noted'); error.add_note('a note'); raise error""",
        """\
# tags: raises-exception
undefined_name""",
        """\
# tags: raises-exception
import module_that_is_not""",
        # Its traceback is not shown: how deep a recursion gets depends on how deep the kernel itself begins.
        """\
def recurse(): recurse()
try:
    recurse()
except RecursionError as error:
    print(error)""",
        """\
# tags: raises-exception
assert 1 == 2, 'message'""",
        """\
# tags: raises-exception
import json
json.loads('{')""",
        "_, In[-1]",
    ],
    "syntax": [
        """\
# tags: raises-exception
def broken(:""",
        """\
# tags: raises-exception
if True:
print('not indented')""",
        """\
# tags: raises-exception
x = 'unterminated""",
        """\
# tags: raises-exception
compile('a b', 'file', 'exec')""",
        """\
# tags: raises-exception
return 1""",
        """\
# tags: raises-exception
x = ¢""",
        "for in",
    ],
    "strange-exceptions": [
        """\
# tags: raises-exception
class Unprintable(Exception):
    def __str__(self): raise ValueError('no text')
raise Unprintable""",
        """\
# tags: raises-exception
class Shown(Exception):
    def _render_traceback_(self): return ['my own', 'traceback']
raise Shown('x')""",
        """\
# tags: raises-exception
class Based(BaseException): pass
raise Based('base')""",
        """\
# tags: raises-exception
raise KeyboardInterrupt""",
        """\
# tags: raises-exception
raise GeneratorExit""",
        """\
# tags: raises-exception
raise StopIteration('x')""",
        r"""
# tags: raises-exception
raise Exception('multi\nline\n\x1b[31mred\x1b[0m')
""",
        r"""
# tags: raises-exception
raise UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'bad')
""",
        """\
# tags: raises-exception
exec('1/0')""",
        """\
# tags: raises-exception
eval('nothing')""",
        "raise Exception('x' * 100_000)",
    ],
    "interrupted-by-itself": [
        "print('a')",
        "raise KeyboardInterrupt",
        "print('b')",
    ],
    "interrupted-by-a-signal": [
        """\
import os, signal, time
print('a')""",
        "os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
        "print('b')",
    ],
    "system-exit-0": [
        """\
import sys
print('a')""",
        "sys.exit(0)",
        "print('b')",
    ],
    "system-exit-3": [
        """\
import sys
print('a')""",
        "sys.exit(3)",
        "print('b')",
    ],
    "system-exit-text": [
        "raise SystemExit('reason')",
    ],
    "exit": [
        "print('a')",
        "exit()",
        "print('b')",
    ],
    "quit": [
        "print('a'); quit; 1",
        "quit",
        "print('b')",
    ],
    "killed": [
        "print('a'); 1",
        "import os; os._exit(3)",
        "print('b')",
    ],
    # What is printed just before a kernel dies, flushed or not, may be lost with Jupyter's, and never with the other.
    "aborted": [
        "print('a'); 1",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    ],
    "segfault": [
        "import ctypes; print('a', flush=True); 1",
        "ctypes.string_at(0)",
    ],
    "input": [
        """\
# tags: raises-exception
input('name? ')""",
        """\
# tags: raises-exception
import getpass
getpass.getpass()""",
        """\
# tags: raises-exception
import sys
sys.stdin.readline()""",
        """\
# tags: raises-exception
open(0).read(), None""",
        "input()",
    ],
    "debugger": [
        """\
# tags: raises-exception
breakpoint()""",
        """\
# tags: raises-exception
import pdb; pdb.set_trace()""",
        """\
# tags: raises-exception
1 / 0""",
        """\
# tags: raises-exception
%debug""",
        """\
import sys
sys.breakpointhook.__module__, pdb.Pdb.__module__, pdb.set_trace.__module__""",
        "%pdb on",
        "1 / 0",
    ],
    "traceback-modes": [
        "%xmode",
        """\
# tags: raises-exception
%xmode Minimal
1 / 0""",
        """\
# tags: raises-exception
%xmode Verbose
def f(a): return a / 0
f(1)""",
        """\
# tags: raises-exception
%xmode Plain
f(1)""",
        "%tb",
        """\
%xmode Context
import traceback, sys
try:
    f(2)
except ZeroDivisionError:
    traceback.print_exc()""",
        "sys.excepthook.__module__, sys.last_type, type(sys.last_value)",
        "get_ipython().showtraceback()",
        """\
# tags: raises-exception
%colors NoColor
f(3)""",
        """\
def handler(self, etype, value, tb, tb_offset=None): print('handled', etype.__name__)
get_ipython().set_custom_exc((KeyError,), handler)""",
        "{}['x']",
    ],
    "magic-errors": [
        """\
# tags: raises-exception
%nosuchmagic""",
        """\
# tags: raises-exception
%%nosuchcell
x""",
        """\
# tags: raises-exception
%run nosuchfile.py""",
        """\
# tags: raises-exception
%load_ext nosuchextension""",
        """\
# tags: raises-exception
%%bash
exit 3""",
        "%cd nosuchfolder",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
