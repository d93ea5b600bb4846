from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightbook.cli.main import COMMANDS, root, run_command
from nightbook.errors import ExitCode

HEAVY = {"mlflow", "nbconvert", "nbformat", "pandas", "papermill", "psutil", "rich", "sqlalchemy"}
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def imported_by(program: str) -> set[str]:
    code = f"import sys\n{program}\nprint(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    "program",
    [
        "import nightbook",
        "from nightbook.cli.main import root; root.main(['--help'], standalone_mode=False)",
        "from nightbook.cli.main import root; root.main(['--version'], standalone_mode=False)",
    ],
    ids=["import nightbook", "nightbook --help", "nightbook --version"],
)
def test_the_start_imports_nothing_heavy(program: str) -> None:
    assert imported_by(program) & HEAVY == set()


def test_what_a_plan_needs_is_light_too(finished_project: Path) -> None:
    program = (
        f"import os; os.chdir({str(finished_project)!r})\n"
        "from nightbook.cli.main import root\n"
        "root.main(['run', '-n'], standalone_mode=False)\n"
        "root.main(['why', 'fit'], standalone_mode=False)"
    )
    # psutil, a hundredth of a second, comes with what would run the plan.
    assert imported_by(program) & (HEAVY - {"psutil"}) == set()


def test_a_plan_over_text_notebooks_leaves_out_the_grammar_that_none_of_them_needs(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "one.py").write_text('# %% tags=["parameters"]\nn: int = 1\n')
    code = (
        "import os, sys; from nightbook.cli import main; sys.argv[1:] = ['run', '-n'];"
        "os._exit = lambda code: print(code, 'jupytext' in sys.modules, 'lark' in sys.modules); main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 True False"


def test_every_command_is_there_and_explains_itself() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(root, [name, "--help"])
        assert result.exit_code == 0, name
        assert "Usage:" in result.output


def test_exit_codes_are_those_of_the_reference() -> None:
    documented = re.findall(r"^\| (\d+) \| .+ \|$", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(map(int, documented)) == set(ExitCode)


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("run", "--frobnicate"),
        ("run", "no-such-stage"),
        ("run", "fit", "-p", "alpah=1"),
        ("run", "fit", "-p", "alpha=much"),
        ("why", "no-such-stage"),
        ("resume", "99"),
        ("runs", "show", "99"),
        ("runs", "compare", "1"),
        ("runs", "list", "--status", "great"),
        ("report", "99"),
        ("report", "1", "-o", "copy.html"),
        ("diff", "1", "99"),
        ("run", "no-such.ipynb"),
        ("run", "fit", "-p", "alpha=0x10"),
        ("run", "fit", "-p", "alpha="),
        ("run", "make", "-p", "count=" + 5_000 * "9"),
        ("sweep", "fit", "--grid", "alpha=1,x"),
        ("sweep", "fit", "--list", "no-such.csv"),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_what_is_wrong_with_a_request_ends_with_2(
    arguments: tuple[str, ...],
    finished_project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(finished_project)
    assert run_command(arguments) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert "rror" in said.err
    # Everything of ours says how to mend it; of its own options click does.
    assert "try:" in said.err or "Try" in said.err or "Usage" in said.err


def test_a_plan_with_stale_stages_ends_with_4(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_project)
    assert run_command(["run", "-n"]) == ExitCode.DONE
    assert run_command(["run", "-n", "--check"]) == ExitCode.DIFFERENT


def test_a_ledger_that_is_away_ends_with_5(finished_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_project)
    monkeypatch.setenv("NIGHTBOOK_LEDGER", "postgresql://nobody@127.0.0.1:1/none")
    assert run_command(["runs", "list"]) == ExitCode.UNREACHABLE


def test_an_error_says_what_and_what_to_try(
    finished_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(finished_project)
    run_command(["why", "fitt"])
    assert capsys.readouterr().err.splitlines() == ["error: there is no stage 'fitt'", "try: did you mean 'fit'?"]


def test_a_mistyped_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["docter"]) == ExitCode.USAGE
    assert "Did you mean 'doctor'?" in capsys.readouterr().err


def test_a_shell_completes_commands_without_loading_them() -> None:
    program = (
        "import os; os.environ |= {'_NIGHTBOOK_COMPLETE': 'bash_complete', 'COMP_WORDS': 'nightbook r', 'COMP_CWORD': '1'}\n"
        "from nightbook.cli.main import run_command\n"
        "try: run_command([])\nexcept SystemExit: pass"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [
        f"plain,{name}" for name in ("run", "resume", "runs", "report", "request-review", "reject")
    ]
    assert imported_by(program) & HEAVY == set()


def test_colour_is_off_where_nobody_wants_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightbook", "init", str(tmp_path / "new")]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1"}
    )
    assert "\x1b" not in done.stdout


def test_a_traceback_is_shown_to_who_asks_before_or_behind_the_command(
    finished_project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(finished_project)
    for arguments in (["-v", "why", "fitt"], ["why", "-v", "fitt"], ["runs", "show", "no such run", "--verbose"]):
        assert run_command(arguments) == ExitCode.USAGE
        assert "Traceback (most recent call last)" in capsys.readouterr().err
    run_command(["why", "fitt"])
    assert "Traceback" not in capsys.readouterr().err


def test_a_mark_that_the_terminal_lacks_is_no_reason_to_say_nothing(finished_project: Path) -> None:
    command = [sys.executable, "-m", "nightbook", "runs", "show", "3"]
    told = subprocess.run(
        command, cwd=finished_project, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=True
    )
    assert told.stdout.startswith(b"fit #3 ? succeeded")


def test_json_is_utf8_whatever_the_terminal_is(finished_project: Path) -> None:
    command = [sys.executable, "-m", "nightbook", "runs", "show", "4", "--json"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    told = subprocess.run(command, cwd=finished_project, env=env, capture_output=True, check=True)
    assert json.loads(told.stdout.decode("utf-8"))["number"] == 4
