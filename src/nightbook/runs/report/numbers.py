"""Stands in for `nightbook.numbers` until every module imports that; never committed."""

from __future__ import annotations

from nightbook.numbers import *  # noqa: F403
from nightbook.numbers import MINUS, MISSING  # noqa: F401
