"""Widgets, with their state in the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOKS = {
    "controls": [
        """\
import ipywidgets as widgets
slider = widgets.IntSlider(value=3, description='n'); slider""",
        "slider.value = 5",
        "widgets.VBox([slider, widgets.Text('text'), widgets.Dropdown(options=['a', 'b'])])",
        "slider.observe(lambda change: print('changed to', change.new), 'value'); slider.value = 6",
        "box = widgets.Checkbox(); link = widgets.jslink((slider, 'value'), (slider, 'value')); box",
        "slider.close(); None",
        r"""
widgets.Image(value=b'\x89PNG not really', format='png')
""",
        "widgets.HTML('<b>x</b>').get_state(['value'])",
    ],
    "output": [
        """\
import ipywidgets as widgets
from IPython.display import display
out = widgets.Output(); out""",
        "with out: print('inside'); display('shown inside')",
        "out.outputs",
        """\
out.clear_output()
with out: print('after')""",
        """\
@out.capture(clear_output=True)
def speak(): print('captured by the decorator')
speak()""",
        """\
# tags: raises-exception
with out: 1 / 0""",
        r"""
out.append_stdout('appended\n'); out.append_display_data('data'); len(out.outputs)
""",
        """\
other = widgets.Output()
with other:
    print('a'); display(1)
other""",
        """\
with out:
    with other: print('nested')
print('outside')""",
    ],
    "interact": [
        """\
from ipywidgets import interact, interactive, fixed, interactive_output, IntSlider
def square(n=3): print(n * n); return n
interact(square, n=(0, 10));""",
        "control = interactive(square, n=(0, 5)); control",
        "control.children[0].value = 4",
        "control.result",
        """\
slider = IntSlider(2)
interactive_output(square, {'n': slider})""",
        "slider.value = 9",
        """\
from tqdm.notebook import tqdm
for one in tqdm([1, 2], mininterval=0, bar_format='{n_fmt}'): pass""",
    ],
    "comms": [
        """\
from comm import create_comm, get_comm_manager
comm = create_comm(target_name='nobody', data={'a': 1}); comm.send({'b': 2}, buffers=[b'bytes']); comm.close()""",
        "type(comm).__name__, get_comm_manager().comms.__len__(), type(get_comm_manager()).__name__",
        """\
from ipykernel.comm import Comm
other = Comm(target_name='x'); other.comm_id is not None""",
        "get_ipython().kernel.comm_manager is get_comm_manager()",
        """\
from traitlets import Unicode
import ipywidgets
class Own(ipywidgets.DOMWidget):
    _view_name = Unicode('OwnView').tag(sync=True)
    value = Unicode('x').tag(sync=True)
Own()""",
    ],
}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_both_engines_show_the_same(name: str, compare: Callable[..., str]) -> None:
    found = compare(*NOTEBOOKS[name])
    assert not found, found
