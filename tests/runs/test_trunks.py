from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.request import TRUNK, ExecutionRequest, Sharing
from nightbook.runs.sockets import trunk_place
from nightbook.runs.trunks import fork_from_trunk, leave_trunk, listening_at

if TYPE_CHECKING:
    from tests.warmth import WarmFolder


@pytest.fixture
def asked(tmp_path: Path) -> ExecutionRequest:
    known = dict.fromkeys(("ledger", "root", "state", "store", "folder", "working_directory"), str(tmp_path))
    own = {"run_id": "r", "notebook": "n.ipynb", "kernel_name": "python3", "language": "python"}
    sharing = Sharing(folder=str(tmp_path), cells=(0,), varied=())
    return ExecutionRequest(**known, **own, sharing=sharing)  # type: ignore[arg-type]  # of the fields' own types


def test_a_trunk_listens_where_it_says(warm: WarmFolder, asked: ExecutionRequest) -> None:
    place = trunk_place(asked.run_id, asked.folder)
    assert place.folder == warm.path
    with listening_at(place), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place.socket))
    leave_trunk(asked, reason="", place=place)
    assert json.loads((Path(asked.folder) / TRUNK).read_text()) == {"reason": "", "key": place.key}


def test_without_a_trunk_nothing_is_forked(warm: WarmFolder, asked: ExecutionRequest) -> None:
    assert warm.path.is_dir()
    assert fork_from_trunk(asked) is None
    leave_trunk(asked, reason="a thread lives")
    assert fork_from_trunk(asked) is None
