from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import KernelError
from nightbook.pipelines.kernels import find_kernel, installed_kernels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return tmp_path / "kernels"


def install(kernels: Path, name: str, spec: object) -> None:
    (kernels / name).mkdir(parents=True)
    (kernels / name / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def test_an_installed_kernel_tells_its_language_and_program(kernels: Path) -> None:
    install(kernels, "ir", {"argv": ["R", "--slave"], "language": "R"})
    kernel = find_kernel("IR")
    assert (kernel.language, kernel.interpreter) == ("R", "R")
    assert "ir" in installed_kernels()


def test_the_native_kernel_is_always_there(kernels: Path) -> None:
    kernel = find_kernel("python3")
    assert kernel.language == "python"
    assert kernel.interpreter in {sys.executable, "python", "python3"}
    assert "python3" in installed_kernels()


def test_a_missing_kernel_is_named_with_those_installed(kernels: Path) -> None:
    install(kernels, "julia", {"argv": ["julia"], "language": "julia"})
    with pytest.raises(KernelError) as caught:
        find_kernel("julja")
    assert str(caught.value) == "the kernel 'julja' is not installed"
    assert caught.value.remedy.startswith("did you mean 'julia'? (installed: ")


@pytest.mark.parametrize("spec", [{}, {"argv": []}, []])
def test_a_broken_kernel_is_said(kernels: Path, spec: object) -> None:
    install(kernels, "odd", spec)
    with pytest.raises(KernelError, match="the kernel 'odd' is broken"):
        find_kernel("odd")
