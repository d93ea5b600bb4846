"""The house rules that no other tool checks: mirrored tests, sizes, names, reasons, and what the wheel holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nightbook"
TESTS = ROOT / "tests"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "templates" not in path.relative_to(SOURCE).parts)

# Modules that hold no behaviour of their own.
WITHOUT_TEST = {"__init__", "__main__", "version"}
FORBIDDEN_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|core|misc|managers?|handlers?)($|_)")
REASONED = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z, -]+\])\s*(?:#|-)\s*\w")
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 40

# The two places where a user's program meets ours: anything may be raised there, and nothing may escape.
BOUNDARIES = {"cli/main.py", "runs/engine.py", "runs/supervise.py", "runs/supervisor.py"}
# Nothing of the process that was forked may go on in its fork.
BOUNDARIES |= {"runs/runner.py", "runs/warm/keeper.py", "runs/warm/parent.py"}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_every_module_has_a_mirrored_test() -> None:
    missing = [
        name_of(path)
        for path in MODULES
        if path.stem not in WITHOUT_TEST
        and not (TESTS / path.relative_to(SOURCE).parent / f"test_{path.stem}.py").exists()
    ]
    assert missing == []


def test_modules_stay_short() -> None:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > MAX_MODULE_LINES} == {}


def test_functions_stay_short() -> None:
    sizes = {f"{name_of(path)}:{one.lineno} {one.name}": lines_of(one) for path in MODULES for one in functions(path)}
    assert {name: size for name, size in sizes.items() if size > MAX_FUNCTION_LINES} == {}


def test_names_say_what_a_module_is() -> None:
    assert [name_of(path) for path in MODULES if FORBIDDEN_NAMES.search(path.stem)] == []


def test_every_exception_to_a_rule_has_its_reason() -> None:
    files = [*MODULES, *TESTS.rglob("*.py")]
    without = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"#\s*(noqa|type:\s*ignore)", line) and not REASONED.search(line) and path != Path(__file__)
    ]
    assert without == []


def test_only_the_boundaries_catch_everything() -> None:
    catch_all = re.compile(r"except(\s+\(?\s*(Base)?Exception\b|\s*:)")
    assert {name_of(path) for path in MODULES if catch_all.search(path.read_text(encoding="utf-8"))} <= BOUNDARIES


def test_our_own_package_is_imported_at_the_top_of_a_module() -> None:
    inside = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nightbook")
    ]
    assert inside == []


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a wheel built from this checkout, without network, contains."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_ships_every_template(wheel_names: list[str]) -> None:
    templates = ROOT / "templates"
    files = [
        path.relative_to(ROOT).as_posix()
        for path in templates.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert files
    assert [name for name in files if f"nightbook/{name}" not in wheel_names] == []


def test_the_wheel_ships_types_and_licence_and_nothing_beside_the_package(wheel_names: list[str]) -> None:
    assert "nightbook/py.typed" in wheel_names
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in wheel_names)
    assert {name.partition("/")[0].partition("-")[0] for name in wheel_names} == {"nightbook"}
