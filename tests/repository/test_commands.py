"""What a contributor types works as the documents say: make targets, pre-commit's hooks, documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
BIN = Path(sys.executable).parent


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_make_alone_lists_the_targets() -> None:
    listed = set(re.findall(r"^ {2}make ([a-z-]+) ", make(), flags=re.MULTILINE))
    assert listed >= {
        "bench",
        "check",
        "clean",
        "docs",
        "help",
        "install",
        "lab",
        "lint",
        "lock",
        "run",
        "test",
        "types",
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_make_target_in_the_documents_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z][a-z-]*)", text, flags=re.MULTILINE))
    targets = set(
        re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert named <= targets


def test_every_hook_runs_a_tool_of_the_lock() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    tools = {hook["entry"].split()[0] for hook in hooks}
    assert tools
    assert all((BIN / Path(tool).name).exists() for tool in tools)


def test_pre_commit_accepts_its_configuration() -> None:
    command = [str(BIN / "pre-commit"), "validate-config", ".pre-commit-config.yaml"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_ci_is_a_valid_script_that_runs_the_tests_and_the_checks() -> None:
    script = ROOT / ".ci" / "run"
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text(encoding="utf-8")
    assert "make test" in text
    assert "make check" in text
