from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.warm.kernel import await_taken, encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runs.warm.conftest import Talk


def test_a_cell_is_executed_and_counted(talk: Talk) -> None:
    assert talk.execute("x = 20\nprint('said')\nx + 1").shown == [("stdout", "said\n"), ("execute_result", "21")]
    answer = talk.execute("x / 0")
    assert answer.shown == [("error", "ZeroDivisionError")]
    assert (answer.reply["status"], answer.reply["execution_count"]) == ("error", 2)
    assert talk.execute("'goes on'").shown == [("execute_result", "'goes on'")]


def test_what_is_executed_silently_leaves_no_trace(talk: Talk) -> None:
    talk.execute("hidden = 1", silent=True, store_history=False)
    assert talk.execute("hidden, In").shown == [("execute_result", "(1, ['', 'hidden, In'])")]


def test_output_comes_before_errors_unless_it_is_flushed_between(talk: Talk) -> None:
    code = "import sys\nprint('complained', file=sys.stderr); print('said')"
    assert talk.execute(code).shown == [("stdout", "said\n"), ("stderr", "complained\n")]
    code = "print('complained', file=sys.stderr, flush=True); print('said')"
    assert talk.execute(code).shown == [("stderr", "complained\n"), ("stdout", "said\n")]


def test_what_is_written_below_python_comes_where_it_was_written(talk: Talk) -> None:
    code = "import os, subprocess\nfor n in range(20): os.write(1, f'{n}\\n'.encode()); display(n)\nsubprocess.run(['echo', 'end'])\nNone"
    shown = talk.execute(code).shown
    assert shown[:-1] == [one for n in range(20) for one in (("stdout", f"{n}\n"), ("display_data", f"{n}"))]
    assert shown[-1] == ("stdout", "end\n")


def test_what_a_context_holds_is_kept_from_cell_to_cell(talk: Talk) -> None:
    talk.execute(
        "import contextvars, decimal\nmine = contextvars.ContextVar('mine'); mine.set(1)\ndecimal.getcontext().prec = 3"
    )
    talk.execute("mine.set(mine.get() + 1)")
    assert talk.execute("mine.get(), decimal.Decimal(1) / 3").shown == [("execute_result", "(2, Decimal('0.333'))")]


def test_tasks_go_on_while_a_later_cell_waits(talk: Talk) -> None:
    talk.execute("import asyncio\ndone = asyncio.Event()\ntask = asyncio.create_task(asyncio.sleep(0.01, done.set()))")
    assert talk.execute("await done.wait()").shown == [("execute_result", "True")]


def test_input_is_refused(talk: Talk) -> None:
    assert talk.execute("input('name')").shown == [("error", "StdinNotImplementedError")]


def test_a_child_that_comes_to_the_end_of_its_cell_prints_and_shows_nothing_more(talk: Talk) -> None:
    code = "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('parent' if pid else 'child', flush=True)\n'shown'"
    shown = talk.execute(code).shown
    assert ("".join(text for _, text in shown[:-1]), shown[-1]) == ("child\nparent\n", ("execute_result", "'shown'"))
    assert talk.execute("pid > 0").shown == [("execute_result", "True")]


@pytest.mark.parametrize("code", ["exit()", "quit()"])
def test_to_leave_is_asked_of_whoever_drives_the_kernel(code: str, talk: Talk) -> None:
    assert [one["source"] for one in talk.execute(code).reply["payload"]] == ["ask_exit"]


def test_buffers_of_widgets_arrive(talk: Talk) -> None:
    answer = talk.execute(
        "from comm import create_comm\ncreate_comm(target_name='t', buffers=[b'abc', memoryview(b'de')]);"
    )
    (opened,) = [one for one in answer.published if one["msg_type"] == "comm_open"]
    assert [bytes(one) for one in opened["buffers"]] == [b"abc", b"de"]


def test_widgets_that_were_imported_before_the_fork_know_the_kernel(new_talk: Callable[..., Talk]) -> None:
    talk = new_talk("ipywidgets")
    code = "import ipywidgets\nsorted(get_ipython().kernel.comm_manager.targets)"
    assert talk.execute(code).shown == [("execute_result", "['jupyter.widget', 'jupyter.widget.control']")]


def test_pandas_imported_before_the_fork_shows_tables_as_in_a_notebook(new_talk: Callable[..., Talk]) -> None:
    talk = new_talk("pandas")
    answer = talk.execute(
        "import pandas\npandas.get_option('display.max_columns'), pandas.get_option('display.notebook_repr_html')"
    )
    assert answer.shown == [("execute_result", "(20, True)")]


def test_history_is_kept_in_memory(talk: Talk) -> None:
    code = "manager = get_ipython().history_manager\nmanager.enabled, manager.hist_file, manager.session_number"
    assert talk.execute(code).shown == [("execute_result", "(True, ':memory:', 1)")]


def test_there_is_one_thread_between_cells(talk: Talk) -> None:
    assert talk.execute("import threading\n[one.name for one in threading.enumerate()]").shown == [
        ("execute_result", "['MainThread']")
    ]


def test_its_names_are_those_of_ipykernel(talk: Talk) -> None:
    code = "import sys\ntype(sys.stdout).__name__, sys.stdout.name, type(get_ipython().kernel).__name__"
    shown = talk.execute(code).shown[0][1]
    assert shown == "('OutStream', 'stdout', 'IPythonKernel')"


def test_configuration_of_ipython_holds(new_talk: Callable[..., Talk], tmp_path: Path) -> None:
    profile = tmp_path / "own" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "first.py").write_text("from_startup = 5", encoding="utf-8")
    (profile / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity = 'all'", encoding="utf-8")
    talk = new_talk(IPYTHONDIR=str(tmp_path / "own"))
    assert talk.execute("from_startup\n6").shown == [("execute_result", "5"), ("execute_result", "6")]


@pytest.mark.parametrize(
    ("text", "said"), [("é", "é".encode()), ("\udc80", b"\x80"), ("\ud800", b"?"), ("a\udcffb", b"a\xffb")]
)
def test_text_that_is_no_text_is_said_as_jupyter_says_it(text: str, said: bytes) -> None:
    assert encoded(text) == said


def test_an_empty_pipe_is_not_waited_for_and_a_full_one_not_for_long() -> None:
    given, taken = os.pipe()
    try:
        await_taken(taken)
        os.write(taken, b"left there")
        await_taken(taken)
        assert os.read(given, 100) == b"left there"
    finally:
        os.close(given)
        os.close(taken)


def test_results_may_be_any_size(talk: Talk) -> None:
    shown = talk.execute("print('x' * 3_000_000)\n'y' * 2_000_000").shown
    assert [len(text) for _, text in shown] == [3_000_001, 2_000_002]
    assert json.dumps(shown[0][0]) == '"stdout"'
