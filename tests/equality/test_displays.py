"""What a cell shows beside text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "rich": [
        """\
from IPython.display import HTML, Image, JSON, Latex, Markdown, SVG, Audio, Code, Javascript, Math, Pretty, display
HTML('<b>bold</b>')""",
        "Markdown('# title')",
        """\
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')""",
        "JSON({'a': [1, 2, None]}, expanded=True)",
        "display(Latex('$x^2$'), Math('y'), Pretty('pretty'), Javascript('1'))",
        """\
import base64
png = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')
Image(png, width=10, alt='dot')""",
        "Audio([0.0, 0.5, -0.5, 0.0], rate=8000)",
        "Code('x = 1', language='python')",
        "display({'text/plain': 'raw', 'application/x-own': 'own'}, raw=True, metadata={'a': 1})",
        "display(HTML('<i>x</i>'), 1, 'text', include=['text/plain'])",
        "display()",
        "display(None), None",
    ],
    "updates": [
        """\
from IPython.display import display, update_display, clear_output
handle = display('first', display_id='one'); display('other', display_id='two'); handle.display_id""",
        "update_display('second', display_id='one'); handle.update('third')",
        """\
for number in range(5):
    clear_output(wait=True); print('step', number)""",
        "print('gone'); clear_output()",
        "print('gone'); clear_output(); print('stays')",
        "print('kept until more'); clear_output(wait=True)",
        "display('with id', display_id=True).update('changed at once')",
        "update_display('nobody', display_id='unknown')",
        "display('a', display_id='same'); display('b', display_id='same'); print('between'); update_display('c', display_id='same')",
    ],
    "own-representations": [
        """\
class Html:
    def _repr_html_(self): return '<p>html</p>'
    def __repr__(self): return 'plain'
Html()""",
        """\
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None): return {'text/plain': 'p', 'text/html': 'h'}, {'text/html': {'isolated': True}}
Bundle()""",
        r"""
class Png:
    def _repr_png_(self): return b'\x89PNG\r\n\x1a\nnot really'
Png()
""",
        """\
class Shown:
    def _ipython_display_(self): print('displays itself')
Shown()""",
        """\
class Broken:
    def _repr_html_(self): raise ValueError('no html')
    def __repr__(self): return 'still plain'
Broken()""",
        """\
class Worse:
    def __repr__(self): raise ValueError('no repr')
Worse()""",
        """\
class Pretty:
    def _repr_pretty_(self, p, cycle): p.text('pretty' if not cycle else '...')
[Pretty(), Pretty()]""",
        """\
import json
class Json:
    def _repr_json_(self): return {'a': float(1)}
Json()""",
    ],
    "formatters": [
        """\
get_ipython().display_formatter.formatters['text/html'].for_type(int, lambda value: f'<b>{value}</b>')
5""",
        """\
get_ipython().display_formatter.formatters['text/plain'].for_type(float, lambda value, p, cycle: p.text(f'~{value:.1f}'))
2.345""",
        """\
%precision 2
3.14159""",
        """\
import sys
original = sys.displayhook
sys.displayhook = lambda value: print('hooked', value)""",
        "1 + 1",
        "sys.displayhook = original",
        "2 + 2",
        "type(sys.displayhook).__mro__, type(get_ipython().display_pub)",
        "get_ipython().display_formatter.active_types",
    ],
    "history": [
        "1 + 1",
        "_ * 10",
        "_, __, ___",
        "In[1], Out[2], _i, _ii, _1, _oh",
        "len(In), sorted(Out)",
        "'quiet';",
        "%history",
        "%history -n 1-3",
        "_ih[-1], _dh",
        "get_ipython().execution_count, get_ipython().history_manager.enabled",
        "%recall 1",
        "%rerun 1",
        "get_ipython().history_manager.session_number, get_ipython().history_manager.hist_file",
        """\
%macro again 1-2
again""",
        """\
%save -f saved.py 1-2
!cat saved.py""",
    ],
    "json-and-numbers": [
        "float('nan'), float('inf'), -0.0, 10**30, 1e22",
        """\
from IPython.display import JSON
JSON({'nan': 1.5})""",
        "display({'application/json': {'x': [True, None]}, 'text/plain': 'p'}, raw=True)",
        "display({'application/vnd.own+json': {'big': 2**70}, 'text/plain': 'p'}, raw=True)",
        """\
import datetime, decimal, fractions, pathlib, collections, dataclasses, enum
datetime.datetime(2020, 1, 2), decimal.Decimal('1.1'), fractions.Fraction(1, 3), pathlib.Path('a')""",
        "collections.OrderedDict(a=1), collections.Counter('aab'), {3, 1, 2}, frozenset([1]), range(3), b'bytes', bytearray(b'x')",
        """\
@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
Point(1)""",
        "len, print, int, Point, lambda: 1",
    ],
    "capture": [
        """\
%%capture taken
print('unseen'); display(1); 2""",
        "taken.stdout, taken.stderr, len(taken.outputs)",
        "taken.show()",
        "taken()",
        """\
%%capture --no-stderr
import sys
print('seen', file=sys.stderr); print('not')""",
        """\
from IPython.utils.capture import capture_output
with capture_output() as other:
    print('also'); display('shown')
other.stdout, [str(one) for one in other.outputs]""",
        """\
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    print('x'); display('still shown')""",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
