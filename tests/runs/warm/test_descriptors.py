from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.warm.descriptors import own_files, why_not_shared

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "device", ["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/kfd", "/dev/dri/renderD128"]
)
def test_a_gpu_that_a_cell_has_opened_is_a_reason_not_to_fork(device: str) -> None:
    nowhere = 1 << 20
    assert why_not_shared(nowhere, device) == "the GPU is in use"
    assert not why_not_shared(nowhere, "/dev/null")


def test_a_file_that_is_read_gets_a_position_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "read.txt").write_text("abcdef")
    one = os.open(tmp_path / "read.txt", os.O_RDONLY)
    other = os.dup(one)
    os.read(one, 2)
    own_files([one])
    assert (os.read(one, 1), os.read(one, 1), os.read(other, 1)) == (b"c", b"d", b"c")
    os.close(one)
    os.close(other)
