from __future__ import annotations

import ast

import pytest

from nightbook.pipelines.effects import CLOCK_NOTE, FETCH_NOTE, WRITE_NOTE, notes_on, own_effect, own_import
from nightbook.pipelines.uses import Origins, uses_in


def effect(source: str) -> str:
    tree, origins = ast.parse(source), Origins()
    origins.learn(tree)
    return next(filter(None, map(own_effect, uses_in(tree, origins))), "")


def notes(source: str) -> set[str]:
    tree, origins = ast.parse(source), Origins()
    origins.learn(tree)
    return {note for use in uses_in(tree, origins) for note in notes_on(use)}


@pytest.mark.parametrize(
    "source",
    [
        "import nightbook\nnightbook.log_artifact('a')",
        "from nightbook import log_model\nlog_model('a')",
        "import nightbook as nb\nnb.log_table('a', table)",
        "from nightbook import exit_early as stop\nif x:\n    stop('done')",
        "from nightbook import reveal\npassword = reveal(token)",
        "import nightbook\nnightbook.run('train')",
        "from nightbook.widgets import ParameterForm\nParameterForm('a')",
        "import os\nos.environ['A'] = '1'",
        "from os import getenv\ngetenv('A')",
        "import os\nos.fork()",
        "import os\nos.getpid()",
        "import multiprocessing as mp\nmp.Pool()",
        "from subprocess import run\nrun(['ls'])",
        "import threading\nthreading.Thread(target=f).start()",
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor()",
        "import asyncio\nasyncio.create_task(f())",
        "loop.create_task(f())",
        "import atexit\natexit.register(f)",
        "import signal\nsignal.signal(signal.SIGINT, f)",
        "import ipywidgets as widgets\nwidgets.IntSlider()",
        "display(figure, display_id='a')",
        "from IPython.display import display\nhandle = display(figure, display_id=True)",
        "import tempfile\nwith tempfile.TemporaryDirectory() as folder: ...",
        "from tempfile import mkdtemp\nmkdtemp()",
        "import uuid\nuuid.uuid4()",
        "import sqlite3\nsqlite3.connect('a')",
        "import torch\ntorch.cuda.is_available()",
        "model.cuda()",
        "from tqdm.auto import tqdm\ntqdm(x)",
        "import sys\nsys.exit()",
        "raise SystemExit",
        "quit()",
    ],
)
def test_what_belongs_to_each_run_is_found(source: str) -> None:
    assert effect(source) != ""


@pytest.mark.parametrize(
    "source",
    [
        "import nightbook\nnightbook.log_metric('a', 1)\nnightbook.log_metrics({})\nnightbook.log_param('a', 1)",
        "from nightbook import Input, Range\npath: Input = 'a'\nx = Range(1, 2)",
        "import multiprocessing",
        "import threading, subprocess, uuid",
        "from os import environ",
        "import os\nos.path.join('a', 'b')",
        "signal = table['signal']\nsignal.mean()",
        "from scipy import signal\nsignal.butter(4, 1)",
        "display(figure)",
        "import tempfile\ntempfile.gettempdir()",
    ],
)
def test_what_is_the_same_for_all_is_not(source: str) -> None:
    assert effect(source) == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos.getenv('A')", "uses os.getenv: each run has its own environment"),
        ("quit()", "uses quit: it ends the run"),
        ("from nightbook import reveal\nreveal(a)", "uses nightbook.reveal, which belongs to each run"),
    ],
)
def test_the_reason_says_what_and_why(source: str, reason: str) -> None:
    assert effect(source) == reason


@pytest.mark.parametrize(
    "source", ["import mlflow", "def f():\n    from mlflow.tracking import x", "import mlflow.x as y"]
)
def test_mlflow_learns_its_run_when_it_is_imported(source: str) -> None:
    assert own_import(ast.parse(source)) == "imports mlflow: what it logs belongs to one run"


def test_other_imports_are_free() -> None:
    assert own_import(ast.parse("import json\nfrom . import mlflow\nfrom os import fork")) == ""


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("import time\nstart = time.perf_counter()", CLOCK_NOTE),
        ("from time import time\ndef f():\n    return time()", CLOCK_NOTE),
        ("import datetime as dt\ndt.datetime.now()", CLOCK_NOTE),
        ("from datetime import date\ndate.today()", CLOCK_NOTE),
        ("import pandas as pd\npd.Timestamp.now()", CLOCK_NOTE),
        ("import pandas as pd\npd.to_datetime('today')", CLOCK_NOTE),
        ("import numpy as np\nnp.datetime64('now')", CLOCK_NOTE),
        ("open('a', 'w')", WRITE_NOTE),
        ("open('a', mode='ab')", WRITE_NOTE),
        ("open('a', mode)", WRITE_NOTE),
        ("open('a', **options)", WRITE_NOTE),
        ("import gzip\ngzip.open('a', 'wt')", WRITE_NOTE),
        ("path.open('x')", WRITE_NOTE),
        ("table.to_csv('a.csv')", WRITE_NOTE),
        ("path.write_text('a')", WRITE_NOTE),
        ("figure.savefig('a.png')", WRITE_NOTE),
        ("path.mkdir()", WRITE_NOTE),
        ("import joblib\njoblib.dump(model, 'a')", WRITE_NOTE),
        ("import requests\nrequests.get(url)", FETCH_NOTE),
        ("from urllib.request import urlopen\nurlopen(url)", FETCH_NOTE),
        ("import pandas as pd\npd.read_csv('https://example.org/a.csv')", FETCH_NOTE),
    ],
)
def test_clock_files_and_network_get_a_note(source: str, note: str) -> None:
    assert notes(source) == {note}


@pytest.mark.parametrize(
    "source",
    [
        "open('a')",
        "open('a', 'rb')",
        "path.open()",
        "table.to_csv()",
        "import time\ntime.sleep(1)",
        "import pandas as pd\npd.read_csv('a.csv')\npd.to_datetime('2013-01-01')",
        "import requests",
    ],
)
def test_what_needs_no_note_has_none(source: str) -> None:
    assert notes(source) == set()
