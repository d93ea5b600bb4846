"""The one place of the version: below every layer, so that each may name it."""

from __future__ import annotations

__version__ = "0.1.0"
