"""`pyproject.toml` is the only source of dependencies: the lock, conda's file and the imports all agree with it."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
CONDA_SPECS = [spec for spec in CONDA if isinstance(spec, str)]
PIP_SPECS = next(spec["pip"] for spec in CONDA if isinstance(spec, dict))


def bounds(requirements: list[str]) -> dict[str, str]:
    """Lower bound by canonical name; a requirement without exactly one `>=` is a mistake of its own."""
    found: dict[str, str] = {}
    for text in requirements:
        requirement = Requirement(text)
        (only,) = requirement.specifier
        assert only.operator == ">=", text
        found[canonicalize_name(requirement.name)] = only.version
    return found


DIRECT = bounds([*PROJECT["dependencies"], *(one for extra in OPTIONAL.values() for one in extra)])


def locked_versions() -> dict[str, Version]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix(" \\").split("==") for line in lines if line[:1].isalnum()]
    return {canonicalize_name(name): Version(version) for name, version in pins}


def imported_modules(folder: Path) -> set[str]:
    """Top-level names of the absolute imports of every module below a folder."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


def undeclared(folder: Path, declared: dict[str, str]) -> dict[str, list[str]]:
    """Third-party modules whose every distribution is missing from the declaration."""
    known = packages_distributions()
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    foreign = imported_modules(folder) - sys.stdlib_module_names - {"nightbook", "tests", *scripts}
    return {
        module: known.get(module, [])
        for module in sorted(foreign)
        if not any(canonicalize_name(name) in declared for name in known.get(module, []))
    }


def test_the_lock_holds_every_direct_dependency_at_or_above_its_bound() -> None:
    locked = locked_versions()
    assert {name: bound for name, bound in DIRECT.items() if name not in locked or locked[name] < Version(bound)} == {}


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_every_pin_in_the_lock_has_a_hash() -> None:
    pins = (ROOT / "requirements.lock").read_text(encoding="utf-8").split("\n")
    followers = [after for line, after in pairwise(pins) if "==" in line]
    assert followers
    assert all(line.strip().startswith("--hash=sha256:") for line in followers)


@pytest.mark.parametrize("text", CONDA_SPECS)
def test_conda_can_parse_the_spec(text: str) -> None:
    assert MatchSpec(text, strict=True).name is not None


def test_conda_users_get_the_same_dependencies_with_the_same_bounds() -> None:
    conda: dict[str, str] = {}
    for spec in (MatchSpec(text, strict=True) for text in CONDA_SPECS):
        assert spec.name is not None
        conda[canonicalize_name(spec.name.normalized)] = (spec.version or "").removeprefix(">=")
    python = conda.pop("python")
    assert conda.pop("pip") == ""
    pip = bounds(PIP_SPECS)
    assert not conda.keys() & pip.keys()
    assert conda | pip == DIRECT
    assert f">={python}" == PROJECT["requires-python"]


def test_what_the_package_imports_is_declared() -> None:
    extras = [one for name in ("dask", "postgres") for one in OPTIONAL[name]]
    assert undeclared(ROOT / "src", bounds([*PROJECT["dependencies"], *extras])) == {}


def test_what_the_tests_import_is_declared() -> None:
    assert undeclared(ROOT / "tests", DIRECT) == {}
