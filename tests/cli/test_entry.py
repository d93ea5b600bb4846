from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.cli.test_main import HEAVY
from tests.warmth import STAND_IN, WarmFolder

from nightbook.cli.entry import _may_be_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRY = "from nightbook.cli.entry import main\nmain()"
# It leaves without looking back: what it has loaded is said when it does.
CONFESSING = """
import os, sys
leave = os._exit
def confess(code):
    print(*sys.modules, file=sys.stderr, flush=True)
    leave(code)
os._exit = confess
"""


def typed(folder: Path, *arguments: str, prelude: str = "") -> tuple[int, str, str]:
    command = [sys.executable, "-c", prelude + ENTRY, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "is_so"),
    [
        (["run"], True),
        (["-v", "sweep", "x"], True),
        (["resume"], True),
        (["run", "--help"], False),
        (["runs"], False),
        (["--version"], False),
        ([], False),
    ],
)
def test_only_commands_that_execute_are_carried_out_elsewhere(arguments: list[str], is_so: bool) -> None:
    assert _may_be_elsewhere(arguments) is is_so


def test_a_parent_carries_out_what_may_be_elsewhere(warm: WarmFolder, tmp_path: Path) -> None:
    warm.start_light(prelude=STAND_IN)
    assert typed(tmp_path, "run", "print('elsewhere', arguments[0]); code = 1") == (1, "elsewhere run\n", "")
    assert typed(tmp_path, "--version")[1].startswith("nightbook")


def test_what_was_typed_loads_nothing_heavy_where_a_parent_carries_it_out(warm: WarmFolder, tmp_path: Path) -> None:
    warm.start_light(prelude=STAND_IN)
    code, said, modules = typed(tmp_path, "run", "print('elsewhere'); code = 3", prelude=CONFESSING)
    loaded = set(modules.split())
    assert (code, said) == (3, "elsewhere\n")
    assert "nightbook.cli.attended" in loaded
    assert {name.partition(".")[0] for name in loaded} & {*HEAVY, "click", "IPython", "jupyter_client", "zmq"} == set()
    assert not any(name.startswith("nightbook.workflow") for name in loaded)


@pytest.mark.parametrize(
    ("arguments", "code"), [(("run", "--dry-run"), 0), (("run", "no-such-stage"), 2), (("run", "--no-such-option"), 2)]
)
def test_a_command_is_the_same_with_and_without_a_parent(
    warm: WarmFolder, tmp_path: Path, new_notebook: Callable[..., Path], arguments: tuple[str, ...], code: int
) -> None:
    project = tmp_path / "shop"
    new_notebook(project / "notebooks" / "make.ipynb", "n: int = 1", "print(n)")
    here = typed(project, *arguments)
    parent, _ = warm.start_light()
    elsewhere = typed(project, *arguments)
    assert here[0] == code
    assert elsewhere == here
    assert parent.poll() is None


@pytest.mark.parametrize(("command", "is_seen"), [("run", False), ("lab", False), ("approve", True)])
def test_no_notebook_finds_what_unlocks_a_signing_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, *, is_seen: bool
) -> None:
    monkeypatch.setenv("NIGHTBOOK_PASSPHRASE", "hush")
    confess = "os.write(1, str('NIGHTBOOK_PASSPHRASE' in os.environ).encode())"
    prelude = f"import os\nleave = os._exit\nos._exit = lambda code: ({confess}, leave(code))\n"
    assert typed(tmp_path, command, "--help", prelude=prelude)[1].endswith(str(is_seen))
