"""The documentation is true: its examples run, and its references name what there is, no more and no less.

An HTML comment `<!-- test: KIND -->` before a fenced block says what the block is:

    shell                 typed in a shell; `shell, exit N` when it is to fail
    output                lines that the last shell block printed; numbers, durations and digests may differ
    change FILE           a diff whose `-` line is replaced by its `+` line, once
    file NAME             the content of a file
    settings              a nightbook.toml
    parameters            a parameters cell, read as a declaration and executed
    refused WORDS         a parameters cell that is refused with these words
    inside                what a notebook calls
    raises NAME           the same, raising
    program               a program in the project

A page's blocks run in order, in one project: a new folder for the tutorial, what the tutorial left behind for the others.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import nightbook
from nightbook.cli.main import COMMANDS, VERBOSE, root
from nightbook.errors import ExitCode, NightbookError
from nightbook.notebooks.document import notebook_from_bytes
from nightbook.notebooks.parameters import read_parameters
from nightbook.records import Cause, Cell, CellStatus, Pin, Run, RunStatus
from nightbook.runs import request
from nightbook.runs.events import EventKind
from nightbook.settings import load_settings
from nightbook.settings.kinds import SETTINGS, STAGE_SETTINGS
from nightbook.workflow import api

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^<!-- test: (?P<kind>.+?) -->\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PARTS = {"outputs", "prepared.ipynb", "events.jsonl"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One example; `kind` is the word, `rest` what stands behind it."""

    kind: str
    rest: str
    text: str
    place: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        kind, _, rest = match["kind"].partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        name = f"{page.relative_to(ROOT)}:{line}"
        found.append(
            Block(kind=kind.rstrip(","), rest=rest.removeprefix("exit ").strip(), text=match["text"], place=name)
        )
    return found


class Reader:
    """Does what a page says, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed = ""
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "COLUMNS": "100",
        }

    def read(self, page: Path) -> None:
        for block in blocks_of(page):
            getattr(self, block.kind)(block)

    def shell(self, block: Block) -> None:
        # Where the block ends is where the reader stands afterwards.
        script = f'set -e -o pipefail\ntrap "pwd > {self.folder.parent}/stands" EXIT\n{block.text}'
        done = self._run(["bash", "-c", script])
        assert done.returncode == int(block.rest or 0), f"{block.place}: {self.printed}"
        self.folder = Path((self.folder.parent / "stands").read_text(encoding="utf-8").strip())

    def output(self, block: Block) -> None:
        printed = {normalised(line) for line in self.printed.splitlines()}
        missing = [line for line in block.text.splitlines() if line.strip() and normalised(line) not in printed]
        assert missing == [], f"{block.place}: {self.printed}"

    def change(self, block: Block) -> None:
        path = self.folder / block.rest
        removed, added = (json.dumps(line[1:])[1:-1] for line in block.text.splitlines())
        before = path.read_text(encoding="utf-8")
        assert before.count(removed) == 1, block.place
        path.write_text(before.replace(removed, added), encoding="utf-8")

    def file(self, block: Block) -> None:
        (self.folder / block.rest).write_text(block.text, encoding="utf-8")

    def settings(self, block: Block) -> None:
        apart = self.folder / "settings of a page"
        apart.mkdir(exist_ok=True)
        (apart / "nightbook.toml").write_text(block.text, encoding="utf-8")
        load_settings(apart, environment={})

    def parameters(self, block: Block) -> None:
        assert declared(block.text), block.place
        exec(compile(block.text, block.place, "exec"), {})

    def refused(self, block: Block) -> None:
        with pytest.raises(NightbookError, match=re.escape(block.rest)):
            declared(block.text)

    def inside(self, block: Block) -> None:
        done = self._run([sys.executable, "-c", block.text])
        assert done.returncode == 0, f"{block.place}: {self.printed}"

    program = inside

    def raises(self, block: Block) -> None:
        done = self._run([sys.executable, "-c", block.text])
        assert done.returncode == 1, block.place
        assert block.rest in self.printed

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False, timeout=300
        )
        self.printed = done.stdout + done.stderr
        return done


def declared(source: str) -> object:
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}, "outputs": []}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell | {"execution_count": None}]}
    return read_parameters(notebook_from_bytes(Path("example.ipynb"), json.dumps(content).encode()))


def normalised(line: str) -> str:
    """A line without what differs from run to run, and from terminal to terminal."""
    line = re.sub(r"[0-9a-f]{16}", "ID", line)
    line = re.sub(r"[0-9][0-9.]* (ms|s|m|min|h)\b( [0-9]+ s)?", "TIME", line)
    return " ".join(line.split())


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as the tutorial leaves it, every step done as it is written."""
    reader = Reader(tmp_path_factory.mktemp("tutorial"))
    reader.read(TUTORIAL)
    return reader.folder


def pages_with_examples() -> list[Path]:
    return [page for page in PAGES if page != TUTORIAL and blocks_of(page)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("documentation")
def test_the_tutorial_works_word_for_word(bikes: Path) -> None:
    assert (bikes / ".nightbook" / "ledger.sqlite").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("documentation")
@pytest.mark.parametrize("page", pages_with_examples(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_work(bikes: Path, tmp_path: Path, page: Path) -> None:
    Reader(shutil.copytree(bikes, tmp_path / "bikes")).read(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_mark_stands_before_a_block_that_it_knows(page: Path) -> None:
    marks = len(re.findall(r"^<!-- test:", page.read_text(encoding="utf-8"), re.MULTILINE))
    found = blocks_of(page)
    assert len(found) == marks
    assert [block.place for block in found if not callable(getattr(Reader, block.kind, None))] == []


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    text = (DOCS / "reference" / page).read_text(encoding="utf-8")
    return re.split(r"^#+ ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    """What stands in backquotes in the first column of the tables."""
    rows = re.findall(r"^\| (`.*?) \| ", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {part}", command.commands[part]) for part in command.commands)


@pytest.mark.parametrize(("name", "command"), [pytest.param(*one, id=one[0]) for one in commands()])
def test_the_command_reference_has_every_option_and_no_other(name: str, command: click.Command) -> None:
    level = "###" if " " in name else "##"
    documented = {option.split()[0] for option in first_column(section("commands.md", f"{level} `nightbook {name}`"))}
    known = {opt for one in command.params if isinstance(one, click.Option) for opt in one.opts}
    # What every command has is said once, at the head of the page.
    assert documented == known - VERBOSE


def test_the_command_reference_names_no_command_that_is_not_there() -> None:
    text = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    headings = re.findall(r"^##+ `nightbook (.+?)`$", text, re.MULTILINE)
    assert headings == [name for name, _ in commands()] or set(headings) == {name for name, _ in commands()}


def test_every_command_that_a_page_types_is_there() -> None:
    known = {name for name, _ in commands()}
    typed = re.compile(r"(?:^(?:\.venv/bin/)?|`)nightbook ([a-z-]+)", re.MULTILINE)
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    assert {name for text in texts.values() for name in typed.findall(text)} <= known


def test_the_exit_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| (\d+) \|", section("commands.md", "## Exit codes"), re.MULTILINE)
    assert [int(code) for code in rows] == list(ExitCode)


@pytest.mark.parametrize(
    ("heading", "known"),
    [("## For the project", SETTINGS), ("## For a stage", STAGE_SETTINGS)],
    ids=["project", "stage"],
)
def test_the_reference_has_every_setting_and_no_other(heading: str, known: dict[str, object]) -> None:
    assert sorted(first_column(section("settings.md", heading))) == sorted(known)


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("# The record of a run", [one.name for one in fields(Run)]),
        ("## Pin", [one.name for one in fields(Pin)]),
        ("## Cell", [one.name for one in fields(Cell)]),
        ("## Status", [one.value for one in RunStatus]),
        ("## Cause", [one.value for one in Cause]),
    ],
    ids=["record", "pin", "cell", "status", "cause"],
)
def test_the_reference_has_every_field_and_word_of_a_record(heading: str, known: list[str]) -> None:
    text = "\n" + (DOCS / "reference" / "record.md").read_text(encoding="utf-8")
    part = re.split(r"^#+ ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    assert sorted(first_column(part)) == sorted(known)


def test_the_states_of_a_cell_are_those_of_the_program() -> None:
    assert all(f"`{one.value}`" in section("record.md", "## Cell") for one in CellStatus)


def test_the_python_reference_has_every_public_name() -> None:
    text = (DOCS / "reference" / "python-api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:### |\| )`(\w+)[`(]", text, re.MULTILINE))
    assert named - {"Run", "name"} == set(nightbook.__all__)


FUNCTIONS = [name for name in nightbook.__all__ if name.islower() and not name.startswith("__")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_python_reference_shows_the_arguments_of_a_function(name: str) -> None:
    text = (DOCS / "reference" / "python-api.md").read_text(encoding="utf-8")
    found = re.search(rf"^### `{name}\((.*)\)`$", text, re.MULTILINE)
    assert found is not None
    documented = [one.partition("=")[0].strip(" *") for one in found[1].split(",")]
    function = getattr(api, name, None) or getattr(nightbook, name)
    assert [one for one in documented if one] == list(inspect.signature(function).parameters)


def test_the_reference_has_every_event_and_no_other() -> None:
    text = section("events.md", "## `events.jsonl`")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(one.value for one in EventKind)


def test_the_reference_has_every_file_of_a_run() -> None:
    text = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")
    constants = {name: value for name, value in vars(request).items() if name.isupper() and isinstance(value, str)}
    constants = {name: value for name, value in constants.items() if name not in {"FORK", "JUPYTER"}}
    assert {value for value in constants.values() if f"`{value}`" not in text and f"`{value}/`" not in text} == set()


def test_the_picture_is_light() -> None:
    pictures = sorted((DOCS / "images").iterdir())
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 200_000] == []
