from __future__ import annotations

import pytest

from nightbook.errors import SettingsError
from nightbook.settings.stages import StageSettings, read_stages


def test_silence_is_none_or_empty() -> None:
    assert read_stages({"train": {}}, "nightbook.toml") == {"train": StageSettings()}


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'stages' in nightbook\.toml must hold tables"):
        read_stages({"train": 1}, "nightbook.toml")
