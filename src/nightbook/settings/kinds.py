"""Which settings exist and what a value of each must be."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import TYPE_CHECKING

from nightbook.errors import SettingsError, nearest
from nightbook.settings.tracking import check_tracking_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENGINES = ("fork", "jupyter")
EXECUTORS = ("local", "dask")
PUBLISHINGS = ("now", "later")
CONTAINMENTS = ("auto", "pid_namespace", "process_tree")


class Kind(StrEnum):
    """What a setting's value must be; the value is how it is said."""

    TEXT = "text"
    TRACKING = "the address of an MLflow"
    SWITCH = "true or false"
    WHOLE = "a whole number above 0"
    COUNT = "a whole number from 0"
    SECONDS = "a number above 0"
    ENGINE = "'fork' or 'jupyter'"
    EXECUTOR = "'local', 'dask', or an address such as 'dask://scheduler.example:8786'"
    PUBLISHING = "'now' or 'later'"
    CONTAINMENT = "'auto', 'pid_namespace' or 'process_tree'"
    LIST = "a list of texts"
    TABLE = "a table of texts"
    VALUES = "a table"


_EXAMPLES: Mapping[Kind, str] = {
    Kind.TEXT: '"delays"',
    Kind.TRACKING: '"http://127.0.0.1:5000"',
    Kind.SWITCH: "true",
    Kind.WHOLE: "4",
    Kind.COUNT: "2",
    Kind.SECONDS: "600",
    Kind.ENGINE: '"jupyter"',
    Kind.EXECUTOR: '"dask"',
    Kind.PUBLISHING: '"later"',
    Kind.CONTAINMENT: '"auto"',
    Kind.LIST: '["src"]',
    Kind.TABLE: '{ model = "data/model.joblib" }',
    Kind.VALUES: "{ learning_rate = 0.1 }",
}

LIMITS = {
    "timeout_seconds": Kind.SECONDS,
    "cell_timeout_seconds": Kind.SECONDS,
    "memory_bytes": Kind.WHOLE,
    "output_limit_bytes": Kind.WHOLE,
}
SETTINGS: Mapping[str, Kind] = LIMITS | {
    "name": Kind.TEXT,
    "notebooks": Kind.TEXT,
    "state": Kind.TEXT,
    "ledger": Kind.TEXT,
    "tracking_uri": Kind.TRACKING,
    "experiment": Kind.TEXT,
    "store": Kind.TEXT,
    "jobs": Kind.WHOLE,
    "engine": Kind.ENGINE,
    "executor": Kind.EXECUTOR,
    "archive_limit_bytes": Kind.WHOLE,
    "publish": Kind.PUBLISHING,
    "containment": Kind.CONTAINMENT,
    "module_paths": Kind.LIST,
    "heartbeat_seconds": Kind.SECONDS,
    "lost_after_seconds": Kind.SECONDS,
    "warm_idle_seconds": Kind.SECONDS,
    "checkpoint": Kind.SWITCH,
    "checkpoint_after_seconds": Kind.SECONDS,
    "checkpoint_keep_seconds": Kind.SECONDS,
    "checkpoint_memory_bytes": Kind.WHOLE,
    "requires": Kind.TEXT,
}
STAGE_SETTINGS: Mapping[str, Kind] = LIMITS | {
    "notebook": Kind.TEXT,
    "inputs": Kind.TABLE,
    "outputs": Kind.TABLE,
    "parameters": Kind.VALUES,
    "kernel": Kind.TEXT,
    "engine": Kind.ENGINE,
    "checkpoint": Kind.SWITCH,
    "after": Kind.LIST,
    "retries": Kind.COUNT,
}


def kind_of(key: str, kinds: Mapping[str, Kind], where: str) -> Kind:
    """What a value of the setting must be; an unknown setting is an error that names the nearest known one."""
    if key not in kinds:
        raise SettingsError(f"unknown setting '{key}' in {where}", remedy=nearest(key, kinds))
    return kinds[key]


def checked(kind: Kind, value: object, where: str) -> object:
    """The value, lists as tuples; a value of another kind is an error, nothing is converted by guess."""
    if kind is Kind.LIST and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if not _FITS[kind](value):
        raise _unfit(kind, value, where)
    if kind is Kind.TRACKING:
        check_tracking_uri(str(value), where)
    return value


def _unfit(kind: Kind, value: object, where: str) -> SettingsError:
    return SettingsError(f"{where} must be {kind}, not {value!r}", remedy=f"a value such as {_EXAMPLES[kind]}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_FITS: Mapping[Kind, Callable[[object], bool]] = {
    Kind.TEXT: _is_text,
    Kind.TRACKING: _is_text,
    Kind.SWITCH: lambda value: isinstance(value, bool),
    Kind.WHOLE: lambda value: _is_whole(value, 1),
    Kind.COUNT: lambda value: _is_whole(value, 0),
    Kind.SECONDS: lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value > 0,
    Kind.ENGINE: lambda value: value in ENGINES,
    # A name of a plugin's as well; whether there is such a plugin shows when it is loaded.
    Kind.EXECUTOR: lambda value: isinstance(value, str) and re.fullmatch(r"[a-z][\w-]*(://\S+)?", value) is not None,
    Kind.PUBLISHING: lambda value: value in PUBLISHINGS,
    Kind.CONTAINMENT: lambda value: value in CONTAINMENTS,
    Kind.LIST: lambda _: False,
    Kind.TABLE: lambda value: isinstance(value, dict) and all(isinstance(item, str) for item in value.values()),
    Kind.VALUES: lambda value: isinstance(value, dict),
}


_READ: Mapping[Kind, Callable[[str], object]] = {
    Kind.SWITCH: {"true": True, "false": False}.__getitem__,
    Kind.WHOLE: int,
    Kind.SECONDS: float,
}


def from_text(kind: Kind, text: str, variable: str) -> object:
    """Read an environment variable as its setting's kind says; a list is separated as PATH is."""
    if kind is Kind.LIST:
        return tuple(text.split(os.pathsep))
    try:
        value = _READ.get(kind, str)(text)
    except (ValueError, KeyError):
        raise _unfit(kind, text, variable) from None
    return checked(kind, value, variable)
