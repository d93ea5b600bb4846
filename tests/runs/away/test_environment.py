from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.runs.away.environment import environment_digest, environment_listing, refuse_difference

if TYPE_CHECKING:
    from pathlib import Path


def test_the_list_names_python_and_every_distribution(tmp_path: Path) -> None:
    lines = environment_listing("python3", tmp_path).decode().splitlines()
    assert lines[0].startswith("python==3.")
    assert f"papermill=={version('papermill')}" in lines
    assert environment_listing("python3", tmp_path / "other").decode().splitlines() == lines


def test_equal_lists_are_no_difference() -> None:
    listing = b"python==3.11\nnumpy==2.1\n"
    refuse_difference(listing, listing, "w")
    assert environment_digest(listing) == environment_digest(bytes(listing))


def test_the_first_differences_are_named_and_the_others_counted() -> None:
    wanted = b"python==3.11\nnumpy==2.1\nonly-here==1\n" + b"".join(b"p%d==1\n" % one for one in range(9))
    there = b"python==3.12\nnumpy==2.0\nonly-there==1\n" + b"".join(b"p%d==2\n" % one for one in range(9))
    with pytest.raises(SettingsError) as caught:
        refuse_difference(wanted, there, "tcp://w")
    assert caught.value.message == (
        "the worker tcp://w has another environment: numpy 2.0 instead of 2.1; only-here is missing there instead of 1; "
        "only-there 1 instead of none; p0 2 instead of 1; p1 2 instead of 1; and 8 more"
    )
    assert "same lock file" in caught.value.remedy
