from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import PipelineError
from nightbook.pipelines.archive import unpack
from nightbook.pipelines.store import ContentStore
from nightbook.runs.away.environment import environment_listing
from nightbook.runs.away.luggage import Packer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runs.away.conftest import Traveller


def names_in(content: bytes, folder: Path) -> set[str]:
    unpack(content, folder)
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_data_goes_through_the_store_and_the_rest_as_an_archive(
    traveller: Callable[..., Traveller], tmp_path: Path
) -> None:
    one = traveller()
    (one.settings.root / "helper.py").write_text("x = 1")
    order, cargo = one.packed()
    assert names_in(cargo.content, tmp_path / "there") == {"helper.py", "notebooks/copy.ipynb"}
    store = ContentStore(one.settings.store)
    assert store.has(one.request.inputs[0].digest)
    store.restore(order.environment, tmp_path / "listing")
    assert (tmp_path / "listing").read_bytes() == environment_listing("python3", one.settings.cache_folder)


def test_no_secret_travels(
    traveller: Callable[..., Traveller], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_TOKEN", "swordfish-in-the-environment")
    declares = 'from nightbook import Secret\ntoken: Secret = "env:WAREHOUSE_TOKEN"\nkey: Secret = "file:../key.txt"'
    one = traveller('import nightbook\nnightbook.reveal("file:../other.txt")', declares=declares)
    (one.settings.root / "key.txt").write_text("swordfish-in-a-file")
    (one.settings.root / "other.txt").write_text("swordfish-in-another")
    references = replace(one.request, secrets=one.stage.binding.secrets)
    order, cargo = Packer(one.settings).pack(one.stage, references)
    assert order.request.secrets == ("env:WAREHOUSE_TOKEN", "file:../key.txt")
    assert "swordfish" not in order.to_json()
    assert names_in(cargo.content, tmp_path / "there") == {"notebooks/copy.ipynb", "data/in.txt"}


def test_what_other_stages_make_stays_behind(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller()
    (one.settings.root / "data" / "model.bin").write_text("made by another stage")
    (made,) = (replace(data, path=one.settings.root / "data" / "model.bin") for data in one.stage.outputs)
    packer = Packer(one.settings)
    packer.leave_out([replace(one.stage, outputs=(made,))])
    _, cargo = packer.pack(one.stage, one.request)
    assert names_in(cargo.content, tmp_path / "there") == {"notebooks/copy.ipynb"}


def test_a_folder_of_modules_that_is_an_input_travels_all_the_same(
    traveller: Callable[..., Traveller], tmp_path: Path
) -> None:
    one = traveller()
    (one.settings.root / "lib").mkdir()
    (one.settings.root / "lib" / "m.py").write_text("x = 1")
    (code,) = (replace(data, path=one.settings.root / "lib") for data in one.stage.inputs)
    packer = Packer(one.settings)
    packer.leave_out([replace(one.stage, inputs=(code,))])
    _, cargo = packer.pack(one.stage, one.request)
    assert "lib/m.py" in names_in(cargo.content, tmp_path / "there")


def test_the_same_is_packed_once_for_all_runs(traveller: Callable[..., Traveller]) -> None:
    one = traveller()
    packer = Packer(one.settings)
    first, second = (packer.pack(one.stage, one.request)[1] for _ in range(2))
    assert first.digest == second.digest
    assert first.content is second.content


def test_a_module_that_does_not_travel_is_refused(traveller: Callable[..., Traveller]) -> None:
    one = traveller()
    with pytest.raises(PipelineError, match=r"stage 'copy' imports src/ignored\.py, which does not go to workers"):
        Packer(one.settings).pack(one.stage, replace(one.request, modules={"src/ignored.py": "x"}))


def test_a_limit_holds(traveller: Callable[..., Traveller]) -> None:
    one = traveller()
    (one.settings.root / "big.bin").write_bytes(os.urandom(5_000))
    with pytest.raises(PipelineError, match="archive_limit_bytes"):
        Packer(replace(one.settings, archive_limit_bytes=4_000)).pack(one.stage, one.request)
