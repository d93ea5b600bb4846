"""Whether a server answers, known within a given time whatever the network does."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from http.client import HTTPException
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def answers(uri: str, *, timeout_seconds: float) -> bool:
    """Ask the host that a URI names; True for a URI that names none, such as a file's.

    A web server has to say something, whatever it is: one that hangs accepts connections too. Of a database it is
    enough that it listens.

    Args:
        uri: An HTTP address, or a database's URL.
        timeout_seconds: The longest that the answer takes; looking up the host's name is included.
    """
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    ask = _speaks if kind in {"http", "https"} else _listens
    if not parts.hostname or (ask is _listens and kind not in _PORTS):
        return True
    heard: list[bool] = []
    # A name server that is away holds up the look-up for long, and no timeout reaches it.
    thread = Thread(target=lambda: heard.append(ask(parts, timeout_seconds)), name="nightbook-probe", daemon=True)
    thread.start()
    thread.join(timeout_seconds)
    return heard == [True]


def shown_uri(uri: str) -> str:
    """Return a URI without the password that it may hold."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Being sent elsewhere, to a login perhaps, is an answer."""

    def redirect_request(self, *_: object) -> None:
        """Go nowhere."""


def _speaks(parts: SplitResult, timeout_seconds: float) -> bool:
    # MLflow says OK there, without looking at its database. The variables that name a proxy hold as for its client.
    place = parts._replace(
        netloc=parts.netloc.rpartition("@")[2], path=f"{parts.path.rstrip('/')}/health", query="", fragment=""
    )
    # Nothing secret is sent: who it is that answers, MLflow's client checks.
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=unchecked))
    try:
        opener.open(place.geturl(), timeout=timeout_seconds).close()
    except HTTPError as refusal:
        refusal.close()
    except (OSError, HTTPException):
        return False
    return True


def _listens(parts: SplitResult, timeout_seconds: float) -> bool:
    port = parts.port or _PORTS[parts.scheme.partition("+")[0]]
    try:
        socket.create_connection((str(parts.hostname), port), timeout=timeout_seconds).close()
    except OSError:
        return False
    return True
