from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import PipelineError, SettingsError
from nightbook.runs.away.order import Order, order_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs.away.conftest import Traveller


def test_an_order_names_no_place_of_the_client(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller()
    text = order_for(one.stage, replace(one.request, store="s3://b"), "{}", "sha256:ab").to_json()
    assert str(tmp_path) not in text


def test_an_order_is_placed_below_the_root_of_a_worker(traveller: Callable[..., Traveller]) -> None:
    one = traveller()
    order = Order.from_json(order_for(one.stage, one.request, "{}", "sha256:ab").to_json())
    root = Path("/there")
    placed = order.placed(root, root / "run", root / "state", "sqlite:///x")
    assert (placed.root, placed.folder, placed.state, placed.ledger) == (
        "/there",
        "/there/run",
        "/there/state",
        "sqlite:///x",
    )
    assert placed.working_directory == "/there/notebooks"
    assert [(output.uri, output.path) for output in placed.outputs] == [("data/out.txt", "/there/data/out.txt")]
    assert [pin.uri for pin in placed.inputs] == ["data/in.txt"]
    assert placed.parameters == {}


def test_absolute_paths_become_relative_to_the_notebook(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "in.txt"
    elsewhere.parent.mkdir()
    elsewhere.write_text("read")
    made = tmp_path / "project" / ".nightbook" / "sweeps" / "ab" / "out.txt"
    one = traveller(given={"seen": str(elsewhere), "made": str(made)})
    order = order_for(one.stage, one.request, "{}", "sha256:ab")
    assert order.request.parameters["made"] == "'../.nightbook/sweeps/ab/out.txt'"
    place = str(order.request.parameters["seen"]).strip("'")
    assert place.startswith("../.nightbook/elsewhere/")
    assert place.removeprefix("../") == order.request.inputs[0].uri
    assert [output.path for output in order.request.outputs] == [".nightbook/sweeps/ab/out.txt"]
    assert [output.uri for output in order.request.outputs] == [".nightbook/sweeps/ab/out.txt"]


def test_data_elsewhere_that_cannot_be_set_is_refused(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller()
    (outside,) = (replace(data, name="fixed", uri="/data/x", path=Path("/data/x")) for data in one.stage.inputs)
    with pytest.raises(PipelineError, match="stage 'copy' always uses /data/x, outside the project"):
        order_for(replace(one.stage, inputs=(outside,)), one.request, "{}", "sha256:ab")


def test_a_notebook_outside_the_project_is_refused(traveller: Callable[..., Traveller], tmp_path: Path) -> None:
    one = traveller()
    with pytest.raises(PipelineError, match="lies outside the project"):
        order_for(one.stage, replace(one.request, working_directory=str(tmp_path)), "{}", "sha256:ab")


def test_an_order_of_another_version_is_refused(traveller: Callable[..., Traveller]) -> None:
    one = traveller()
    fields = json.loads(order_for(one.stage, one.request, "{}", "sha256:ab").to_json())
    with pytest.raises(SettingsError, match=r"the client has Nightbook 0\.0\.1"):
        Order.from_json(json.dumps({**fields, "nightbook": "0.0.1", "new": "words"}))
