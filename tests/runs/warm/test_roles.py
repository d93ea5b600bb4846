from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.warmth import code_order

from nightbook.runs.warm.isolation import present_surroundings
from nightbook.runs.warm.orders import Order
from nightbook.runs.warm.places import KERNEL, PUBLISHER, RUNNER
from nightbook.runs.warm.roles import KernelRole, ProcessRole, _take_standard, role_of


@pytest.mark.parametrize(
    ("kind", "loaded", "left"),
    [
        (KERNEL, {"ipykernel.ipkernel", "nightbook.runs.warm.kernel"}, {"papermill", "mlflow", "pandas"}),
        (RUNNER, {"papermill", "nightbook.runs.supervise"}, {"mlflow", "pyarrow", "numpy"}),
        (PUBLISHER, {"mlflow", "nightbook.runs.reporting"}, set()),
    ],
)
def test_what_a_parent_loads_starts_no_thread_and_leaves_out_what_it_need_not(
    kind: str, loaded: set[str], left: set[str]
) -> None:
    code = (
        "import sys\n"
        "from nightbook.runs.warm.preload import threads\n"
        "from nightbook.runs.warm.roles import role_of\n"
        f"role_of({kind!r}).load()\n"
        f"print(threads(), {loaded!r} - set(sys.modules), {left!r} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] set() set()\n"


def test_a_kernels_parent_loads_what_the_notebook_imports() -> None:
    role = role_of(KERNEL)
    assert isinstance(role, KernelRole)
    assert role.modules(Order(surroundings=present_surroundings(), modules=("numpy",))) == ("numpy",)


def test_modules_of_ours_are_loaded_without_a_look_and_a_missing_one_is_no_matter() -> None:
    said: list[str] = []
    role = ProcessRole(lambda: said.append("loaded"))
    role.load()
    assert role.modules(code_order("pass", modules=("no_such_module", "colorsys"))) == ()
    assert "colorsys" in sys.modules
    assert said == ["loaded"]


def test_standard_descriptors_are_taken_and_no_second_one_stays(capfd: pytest.CaptureFixture[str]) -> None:
    pid = os.fork()
    if not pid:
        os.closerange(3, 256)
        given = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
        _take_standard(*given)
        is_right = given == [3, 4, 5] and all(os.path.samestat(os.fstat(0), os.fstat(number)) for number in range(3))
        os._exit(0 if is_right and not any(_is_open(number) for number in given) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
