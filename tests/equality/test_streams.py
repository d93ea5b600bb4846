"""Printed text, whoever prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "prints": [
        "print('a'); print('b', end=''); print('c', flush=True)",
        "1",
        "print(1); 2",
        """\
import sys
sys.stdout.write('written'), sys.stdout.writelines(['x', 'y']), sys.stderr.write('complained')""",
        "print('no', 'newline', sep='-', end='')",
    ],
    "interleaved": [
        """\
import sys
print('error first', file=sys.stderr); print('then output')""",
        "print('one'); print('two', file=sys.stderr); print('three'); print('four', file=sys.stderr)",
        "print('one', flush=True); print('two', file=sys.stderr, flush=True); print('three', flush=True)",
        """\
from IPython.display import display
print('before'); display(1); print('after', file=sys.stderr); display(2); 3""",
        # Where the traceback takes a fifth of a second to make, both are flushed in the order of their first words.
        "print('oops', file=sys.stderr, flush=True); print('said'); 1 / 0",
    ],
    "carriage-returns": [
        r"""
for number in range(5):
    print(f'\r{number} of 5', end='')
""",
        r"""
print('abc\rd'); print('x\b\by'); print('tab\there'); print('bell\a')
""",
        """\
from tqdm import tqdm
for one in tqdm(range(3), bar_format='{desc}{n_fmt}/{total_fmt}', mininterval=0): pass""",
        """\
for one in tqdm(range(3), bar_format='{n_fmt} of {total_fmt}', mininterval=0, position=0, leave=False): pass
print('after')""",
    ],
    "characters": [
        r"""
print('grün 日本 🎉 \x1b[31mred\x1b[0m \x1b[1;32mbold\x1b[0m')
""",
        r"""
print('nul \x00 and \x07 and \x7f and \u2028 and \ufeff')
""",
        r"""
'é', 'e\u0301', '\U0001F468\u200D\U0001F469'
""",
        """\
import sys
sys.stdout.encoding, sys.stderr.errors, sys.stdout.isatty(), sys.stdout.name""",
        "import sys; print(sys.getdefaultencoding(), sys.getfilesystemencoding())",
    ],
    "surrogates": [
        r"""
print('lone \udc80 surrogate')
""",
        r"""
'\ud800'
""",
        r"""
print(b'\xff\xfe'.decode('utf-8', 'surrogateescape'))
""",
    ],
    "kinds-of-streams": [
        """\
import sys, io
sys.stdout.readable(), sys.stdout.writable(), sys.stdout.seekable(), sys.stdout.closed""",
        "type(sys.stdout).__mro__[-4:], hasattr(sys.stdout, 'buffer'), hasattr(sys.stdout, 'reconfigure'), isinstance(sys.stdout, io.TextIOBase)",
        "sys.stdout.line_buffering if hasattr(sys.stdout, 'line_buffering') else 'none'",
        """\
# tags: raises-exception
sys.stdout.write(b'bytes')""",
        """\
# tags: raises-exception
sys.stdout.buffer""",
        "sys.stdin, sys.__stdout__ is sys.stdout, sys.__stdout__.name, sys.__stderr__.name, sys.__stdin__ is not None",
        """\
import contextlib
with contextlib.redirect_stdout(io.StringIO()) as taken:
    print('taken')
taken.getvalue()""",
        """\
with contextlib.redirect_stderr(sys.stdout):
    print('to the other', file=sys.stderr)""",
        "print('in text', file=sys.__stdout__, flush=True)",
        "sys.stdout.isatty(), sys.stderr.isatty(), sys.stdout.fileno() > 2",
        "repr(sys.stdout).partition(' ')[0].rpartition('.')[2], sys.stdout.parent_header['msg_type']",
    ],
    "below-python-output": [
        r"""
import os
os.write(1, b'straight to the descriptor\n')
""",
        """\
import subprocess
subprocess.run(['echo', 'from a child'])""",
        "os.system('echo from a shell')",
        """\
import ctypes
libc = ctypes.CDLL(None)
libc.puts(b'from C'); libc.fflush(None)""",
        "os.write(1, b'no newline at the end')",
        r"""
os.write(1, b'half of a character: \xe2\x82\xac and none: \xff\n')
""",
    ],
    "below-python-errors": [
        r"""
import os, subprocess, sys
os.write(2, b'complained below\n')
""",
        "subprocess.run(['sh', '-c', 'echo to the error stream >&2; exit 3'])",
        "subprocess.run([sys.executable, '-c', 'import sys; print(sys.stdin.read(), sys.stdout.isatty()); raise SystemExit(4)']).returncode",
        """\
subprocess.run([sys.executable, '-c', 'print("captured")'], capture_output=True, text=True).stdout""",
        "subprocess.run(['sh', '-c', 'sleep 0.01; echo late'], check=True); None",
        """\
# tags: raises-exception
subprocess.run(['false'], check=True)""",
        "subprocess.run(['cat'], input='fed', text=True, capture_output=True).stdout",
        "subprocess.Popen(['sh', '-c', 'echo in the background']).wait()",
        "print('to the second', file=open(2, 'w', closefd=False), flush=True)",
    ],
    "shell": [
        "!echo said by the shell",
        r"""
files = !printf 'a\nb\n'
files, files.n, type(files)
""",
        "!echo to stderr >&2; exit 3",
        "_exit_code",
        "!test -t 1 && echo terminal || echo no terminal",
        """\
name = 'value'
!echo $name {1 + 1} $$HOME_NOT""",
        "!false",
        """\
import IPython
get_ipython().getoutput('echo x; echo y')""",
        """\
get_ipython().system('printf "no newline"')""",
        "!pwd | wc -l",
    ],
    "flood": [
        "for number in range(20_000): print(number)",
        "print('x' * 5_000_000)",
        """\
import sys
for number in range(2_000): print(number, file=sys.stderr if number % 2 else sys.stdout)""",
    ],
    "flood-of-displays": [
        "for number in range(2_500): display(number)",
        "list(range(2_000))",
        "'y' * 200_000",
        "{number: 'z' * 50 for number in range(1_200)}",
    ],
    "logging": [
        """\
import logging
logging.warning('a warning'); logging.info('unheard')""",
        "logging.basicConfig(level='INFO', format='%(name)s %(levelname)s %(message)s'); logging.getLogger('mine').info('heard')",
        "logging.getLogger('mine').handlers, logging.getLogger().handlers, logging.getLogger().level",
        "logging.getLogger('other').error('with a traceback', exc_info=ValueError('inside'))",
        "[name for name in ('tornado', 'asyncio', 'traitlets', 'ipykernel', 'IPKernelApp') if logging.getLogger(name).handlers]",
        """\
import sys
logging.getLogger('stdout').addHandler(logging.StreamHandler(sys.stdout)); logging.getLogger('stdout').warning('there')""",
    ],
    # Not compared: `warnings.filters`, to which libraries add their own that other notebooks made the parent load.
    "warnings": [
        """\
import warnings
warnings.warn('mine')""",
        "warnings.warn('old', DeprecationWarning)",
        "warnings.warn('future', FutureWarning); warnings.warn('resource', ResourceWarning)",
        "for _ in range(3): warnings.warn('again and again')",
        """\
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter('always'); warnings.warn('caught')
[str(one.message) for one in found]""",
        "import sys; sys.warnoptions",
        """\
"a" is "a"
""",
        """\
import numpy as np
np.log(-1), np.array([1.0]) / 0""",
        "warnings.simplefilter('error')",
        """\
# tags: raises-exception
warnings.warn('raised')""",
    ],
}
# They print below Python, or count on less than a fifth of a second passing between two prints.
UNSTEADY = {"interleaved", "below-python-output", "below-python-errors", "kinds-of-streams"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name], is_steady=name not in UNSTEADY)
    assert not found, found
