from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from nightbook.errors import SettingsError
from nightbook.settings import load_settings
from nightbook.ui.server import LOOPBACK, serve

if TYPE_CHECKING:
    from pathlib import Path


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken, pytest.raises(SettingsError, match="cannot be had"):
        serve(load_settings(tmp_path, environment={}), port=taken.getsockname()[1], announce=print)
