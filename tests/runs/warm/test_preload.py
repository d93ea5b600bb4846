from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nightbook.runs.warm.preload import Preloader, is_installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULES = {
    "silent": "value = 1",
    "threaded": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "printing": "print('hello')",
    "printing_below": "import os\nos.write(2, b'hello')",
    "warning": "import warnings\nwarnings.warn('old')",
    "warning_developers": "import warnings\nwarnings.warn('old', DeprecationWarning)",
    "filtering": "import warnings\nwarnings.filterwarnings('ignore', message='never mind')",
    "moving": "import os\nos.chdir('/')",
    "listening": "import socket\nkept = socket.socket()",
    "drawing": "kept = open('/dev/urandom', 'rb', buffering=0), open('/dev/null', 'w')",
    "reading": "import sys\nkept = open(sys.executable, 'rb')",
    "opening_device": "import os\nkept = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)",
    "waking": "import os\nkept = os.eventfd(0)",
    "waiting": "import select\nkept = select.epoll()",
    "piping": "import os\nkept = os.pipe()",
    "sharing": "import os\nkept = os.memfd_create('shared')",
    "asking_somebody": "import subprocess\nsubprocess.run(['true'])",
    "masking": "import os\nos.umask(0o077)",
    "speaking": "import locale\nlocale.setlocale(locale.LC_ALL, 'C')",
    "hurrying": "import socket\nsocket.setdefaulttimeout(5)",
    "timing": "import signal\nsignal.setitimer(signal.ITIMER_VIRTUAL, 1000)",
    "handling": "import signal\nsignal.signal(signal.SIGUSR1, lambda *_: None)",
    "asking": "from IPython import get_ipython\nis_notebook = get_ipython() is not None",
    "asking_plainly": "try:\n    is_notebook = get_ipython() is not None\nexcept NameError:\n    is_notebook = False",
    "setting": "import os\nos.environ['SET_BY_IMPORT'] = 'yes'",
    "broken": "1 / 0",
    "leaving": "raise SystemExit(3)",
    "bringing": "import printing",
}
PRELOAD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from nightbook.runs.warm.preload import Preloader
preloader = Preloader(sys.argv[3].split(","))
unfit = preloader.load([sys.argv[2]])
print(json.dumps([unfit and unfit.reason, sys.argv[2] in sys.modules, preloader.changed_environment, {said}]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("python") / "site-packages"
    folder.mkdir()
    for name, source in MODULES.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


@pytest.fixture
def preloaded(site: Path) -> Callable[..., Any]:
    """Has a process load a module; returns why not, whether it is loaded, what it set, and what else was asked."""

    def preload(name: str, *, unfit: str = "", said: str = "None") -> Any:
        command = [sys.executable, "-c", PRELOAD.replace("{said}", said), str(site), name, unfit]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return preload


@pytest.mark.parametrize("name", ["silent", "warning_developers", "filtering", "drawing", "asking_somebody"])
def test_what_leaves_no_trace_is_loaded(name: str, preloaded: Callable[..., Any]) -> None:
    assert preloaded(name) == [None, True, {}, None]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("threaded", "changes which threads run"),
        ("printing", "prints"),
        ("printing_below", "prints"),
        ("bringing", "prints"),
        ("warning", "warns"),
        ("moving", "changes the working directory"),
        ("listening", "changes which sockets are open"),
        ("handling", "changes signal handlers"),
        ("reading", "changes which files or devices are open"),
        ("opening_device", "changes which files or devices are open"),
        ("waking", "changes which files or devices are open"),
        ("waiting", "changes which files or devices are open"),
        ("piping", "changes which files or devices are open"),
        ("sharing", "changes which files or devices are open"),
        ("masking", "changes the umask"),
        ("speaking", "changes the locale"),
        ("hurrying", "changes how long sockets wait"),
        ("timing", "changes timers"),
        ("asking", "asks for its notebook"),
        ("asking_plainly", "asks for its notebook"),
    ],
)
def test_what_leaves_a_trace_is_unfit(name: str, what: str, preloaded: Callable[..., Any]) -> None:
    assert preloaded(name)[0] == f"{what} while it is imported"


@pytest.mark.parametrize("name", ["broken", "leaving"])
def test_a_failure_is_for_the_notebook_to_meet(name: str, preloaded: Callable[..., Any]) -> None:
    assert preloaded(name) == [None, False, {}, None]


def test_what_was_found_unfit_before_is_not_tried_again(preloaded: Callable[..., Any]) -> None:
    assert preloaded("printing", unfit="other,printing") == [None, False, {}, None]


def test_variables_that_an_import_sets_are_known(preloaded: Callable[..., Any]) -> None:
    assert preloaded("setting")[:3] == [None, True, {"SET_BY_IMPORT": "yes"}]


def test_filters_that_an_import_adds_stay(preloaded: Callable[..., Any]) -> None:
    said = "any(one[1] and one[1].pattern == 'never mind' for one in __import__('warnings').filters)"
    assert preloaded("filtering", said=said)[3] is True


def test_pandas_takes_the_parent_for_a_notebook(preloaded: Callable[..., Any]) -> None:
    said = "__import__('pandas').get_option('display.max_columns')"
    assert preloaded("pandas", said=said)[3] == 20


def test_what_a_library_imports_with_its_first_use_follows_when_there_is_time(preloaded: Callable[..., Any]) -> None:
    said = '["pandas.io.formats.csvs" in sys.modules, preloader.load_next(), "pandas.io.formats.csvs" in sys.modules]'
    assert preloaded("pandas", said=said)[3] == [False, None, True]


def test_standard_output_is_as_before(site: Path) -> None:
    code = PRELOAD.replace("{said}", "None") + "print('after')"
    ended = subprocess.run(
        [sys.executable, "-c", code, str(site), "printing", ""], check=True, capture_output=True, text=True
    )
    assert ended.stdout.splitlines()[1:] == ["after"]
    assert ended.stderr == ""


@pytest.mark.parametrize("name", ["json", "xml.etree.ElementTree", "numpy", "nbclient.exceptions"])
def test_what_is_installed_may_be_loaded(name: str) -> None:
    assert is_installed(name)


@pytest.mark.parametrize("name", ["this", "antigravity", "mlflow", "mlflow.sklearn", "tqdm.auto", "no_such_module", ""])
def test_what_is_not_installed_or_known_to_be_unfit_may_not(name: str) -> None:
    assert not is_installed(name)


def test_the_users_own_modules_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_module.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("my_module")


def test_what_is_wanted_waits_and_is_loaded_once() -> None:
    preloader = Preloader()
    preloader.want(["json", "this"])
    preloader.want(["json", "string"])
    assert preloader.load(["string"]) is None
    loaded = 0
    while preloader.has_more:
        assert preloader.load_next() is None
        loaded += 1
    assert loaded == 2
    preloader.want(["json", "string", "this"])
    assert not preloader.has_more
