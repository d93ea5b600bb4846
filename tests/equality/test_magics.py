"""Magics and what `get_ipython()` offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "files": [
        """\
%%writefile module.py
print('module runs', __name__)
value = 42""",
        """\
%%writefile -a module.py
more = 1""",
        "%run module.py",
        "value, more",
        "import module; module.value, module.__file__.rpartition('/')[2]",
        "%run -i module.py",
        "%run -n module.py",
        "%load module.py",
        "%pycat module.py",
        """\
%%writefile arguments.py
import sys; print(sys.argv[1:])
sys.exit(3)""",
        "%run arguments.py a b",
        "%pfile module",
        "module.value?",
        "?len",
        "%pinfo2 module.value",
    ],
    "names": [
        "a = 1; b = 'two'",
        "%who",
        "%who_ls",
        "%whos",
        "%xdel a",
        "sorted(name for name in globals() if not name.startswith('_'))",
        "sorted(name for name in globals() if name.startswith('_') and not name[1:2].isdigit() and not name.startswith('_i'))",
        "__name__, __doc__, type(__builtins__), '__file__' in globals(), __spec__, __package__, __loader__",
        "import __main__; __main__.b, __main__.__dict__ is globals()",
        "%reset -f",
        "'b' in globals(), 'get_ipython' in globals(), 'In' in globals()",
        "exit, quit, get_ipython().user_ns is globals()",
        "%reset_selective -f nothing",
    ],
    "shells": [
        """\
%%bash
echo from bash; echo complained >&2""",
        """\
%%bash --out taken --err complained
echo taken; echo not >&2""",
        "taken, complained",
        """\
%%sh
echo $0""",
        """\
%%script cat
fed to cat""",
        """\
%%script --no-raise-error bash
echo x; exit 2""",
        """\
%%html
<b>html</b>""",
        """\
%%markdown
# title""",
        """\
%%latex
$x$""",
        """\
%%svg
<svg xmlns="http://www.w3.org/2000/svg"/>""",
        """\
%%javascript
1""",
        """\
%%python3
print('other python')""",
        "%sx echo a; echo b",
        "%system echo c",
        """\
%%!
echo d""",
    ],
    "places": [
        """\
import os
here = os.getcwd(); os.path.basename(here), os.path.basename(get_ipython().starting_dir)""",
        "%pwd",
        """\
os.mkdir('sub')
%cd sub""",
        "os.path.basename(os.getcwd()), len(_dh)",
        "%cd -q ..",
        "%env MY_VARIABLE=value",
        "%env MY_VARIABLE",
        "os.environ['MY_VARIABLE'], os.getenv('MY_VARIABLE')",
        "%set_env OTHER 1",
        "!echo $OTHER",
        "%ls",
        "%bookmark -l",
        "%dhist",
        "%pushd sub",
        "%popd",
    ],
    "extensions": [
        "%lsmagic",
        """\
%load_ext autoreload
%autoreload 2""",
        "%load_ext storemagic",
        "%reload_ext autoreload",
        """\
%alias show echo shown
show this""",
        "%unalias show",
        "%alias_magic t timeit",
        "%automagic",
        """\
pwd_is_no_name = 1
%automagic""",
        "%config",
        "%config IPCompleter.use_jedi",
        "%config ZMQInteractiveShell.ast_node_interactivity = 'all'",
        """\
1
2""",
        """\
%%prun -q -r
sum(range(10))""",
        "%precision",
        "%logstate",
        "%quickref",
        "%connect_info",
    ],
    "own-magics": [
        """\
from IPython.core.magic import register_cell_magic, register_line_magic
@register_line_magic
def shout(line): return line.upper()
@register_cell_magic
def count(line, cell): print(len(cell.split()), line)""",
        "%shout quiet",
        """\
%%count words
a b c""",
        """\
loud = %shout kept
loud""",
        "get_ipython().run_line_magic('shout', 'called'), get_ipython().run_cell_magic('count', 'x', 'one two')",
        """\
get_ipython().events.register('pre_run_cell', lambda info: print('before', info.raw_cell))
get_ipython().events.register('post_run_cell', lambda result: print('after', result.result))""",
        "1 + 1",
        "get_ipython().input_transformers_cleanup.append(lambda lines: [line.replace('seven', '7') for line in lines])",
        "seven",
        "get_ipython().run_cell('2 + 2').result",
        "get_ipython().ev('3'), get_ipython().ex('y = 4'), y",
        "get_ipython().push({'pushed': 5}); pushed",
        "get_ipython().kernel.shell is get_ipython(), type(get_ipython()).__name__, type(get_ipython().kernel).__mro__[-3:]",
        "get_ipython().set_next_input('next'); None",
        "get_ipython().config",
        "get_ipython().kernel.implementation, get_ipython().kernel.banner[:6], get_ipython().kernel.language_info['name']",
        "get_ipython().parent_header['msg_type'] if hasattr(get_ipython(), 'parent_header') else None",
        "get_ipython().kernel.session.username is not None, get_ipython().profile_dir.location.rpartition('/')[2]",
    ],
    "timing": [
        """\
%%capture taken
%time x = sum(range(10))""",
        "taken.stdout.split(':')[0], x",
        """\
%%capture taken
%%time
y = 3""",
        "y, 'Wall time' in taken.stdout",
        """\
result = %timeit -o -q -n 1 -r 1 pass
result.loops, result.repeat""",
    ],
    "store": [
        """\
kept = [1, 2]
%store kept""",
        "%store",
        """\
del kept
%store -r kept
kept""",
        "%store -d kept",
        "%store",
        "%notebook exported.ipynb",
        """\
import json
len(json.load(open('exported.ipynb'))['cells'])""",
        "%page kept",
        "%psource json.loads",
        "%pprint",
        "%matplotlib",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
