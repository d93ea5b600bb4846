"""Which text can be the address of an MLflow: what MLflow would refuse in the middle of a run is refused before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nightbook.errors import SettingsError, nearest

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_SERVERS = frozenset({"http", "https"})
_DATABASES = frozenset({"postgresql", "mysql", "mssql"})
_SQLITE = "sqlite"
_DATABRICKS = "databricks"
_KNOWN = _SERVERS | _DATABASES | {_SQLITE, _DATABRICKS}
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+(/.*)?")


def check_tracking_uri(uri: str, where: str) -> None:
    """Nothing is connected to; whether an MLflow is there is another question.

    Args:
        uri: What the setting says.
        where: The setting and its place, in words.

    Raises:
        SettingsError: No MLflow can be at such an address; its remedy is the nearest that could be one.
    """
    shown = re.sub(r"(//[^/@]*?:)[^/]*@", r"\1***@", uri)
    if _HOST_AND_PORT.fullmatch(uri):
        raise SettingsError(f"{where} lacks its scheme: '{shown}'", remedy=f'tracking_uri = "http://{uri}"')
    try:
        parts = urlsplit(uri)
        # The port is read when it is asked for.
        _ = parts.port
    except ValueError as error:
        raise SettingsError(f"{where} is no address: '{shown}' ({error})", remedy="http://HOST:PORT") from None
    # MLflow, too, takes a single letter for a drive.
    if parts.scheme == "file" or (len(parts.scheme) < 2 and uri != _DATABRICKS):  # noqa: PLR2004 - see above
        raise SettingsError(
            f"{where} names a folder, '{shown}', and MLflow no longer keeps runs in folders",
            remedy='tracking_uri = "sqlite:///mlflow.sqlite", or http://HOST:PORT for a server; '
            "what a folder already holds moves with `mlflow migrate-filestore`",
        )
    kind = parts.scheme.partition("+")[0] or uri
    if kind not in _KNOWN and not _is_served_by_plugin(parts.scheme):
        raise SettingsError(
            f"{where} is no address of an MLflow: '{shown}' has the unknown scheme '{parts.scheme}'",
            remedy=nearest(kind, _KNOWN),
        )
    _check_place(kind, parts, f"{where} is incomplete: '{shown}'")


def _check_place(kind: str, parts: SplitResult, complaint: str) -> None:
    if kind in _SERVERS and not parts.hostname:
        raise SettingsError(f"{complaint} names no host", remedy=f"{kind}://HOST:PORT")
    if kind in _DATABASES and not parts.path.strip("/"):
        raise SettingsError(f"{complaint} names no database", remedy=f"{parts.scheme}://USER@HOST/DATABASE")
    if kind == _SQLITE and (parts.netloc or not parts.path.startswith("/")):
        file = f"{parts.netloc}{parts.path}" or "mlflow.sqlite"
        raise SettingsError(f"{complaint} names no file", remedy=f"{parts.scheme}:///{file}")


def _is_served_by_plugin(scheme: str) -> bool:
    """Packages teach MLflow further schemes, as those of the clouds do."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes time that every command would pay

    return scheme in entry_points(group="mlflow.tracking_store").names
