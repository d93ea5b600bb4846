"""Settings of a project, read once at the edge of the program."""

from __future__ import annotations

from nightbook.settings.kinds import ENGINES, PUBLISHINGS
from nightbook.settings.project import Settings, load_settings
from nightbook.settings.reviews import MetricLimit, ReviewSettings
from nightbook.settings.stages import StageSettings

__all__ = ["ENGINES", "PUBLISHINGS", "MetricLimit", "ReviewSettings", "Settings", "StageSettings", "load_settings"]
