"""Settings of a project, read once at the edge of the program."""

from __future__ import annotations

from nightbook.settings.kinds import ENGINES, PUBLISHINGS
from nightbook.settings.project import Settings, StageSettings, load_settings

__all__ = ["ENGINES", "PUBLISHINGS", "Settings", "StageSettings", "load_settings"]
