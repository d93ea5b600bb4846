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
_GREETINGS = {"postgresql": bytes.fromhex("00000008 04d2162f"), "mysql": b""}
"""What makes a database say its first word: PostgreSQL is asked for TLS, and says yes or no; MySQL speaks first."""


def answers(uri: str, *, timeout_seconds: float) -> bool:
    """Ask the host that a URI names; True for a URI that names none, such as a file's.

    It has to say something, whatever it is: a server that hangs accepts connections too. Of SQL Server alone it is
    enough that it listens.

    Args:
        uri: An HTTP address, or a database's URL.
        timeout_seconds: The longest that the answer takes; looking up the host's name is included.
    """
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    ask = _answers_http if kind in {"http", "https"} else _answers_as_database
    if not parts.hostname or (ask is _answers_as_database and kind not in _PORTS):
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


def _answers_http(parts: SplitResult, timeout_seconds: float) -> bool:
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


def _answers_as_database(parts: SplitResult, timeout_seconds: float) -> bool:
    kind = parts.scheme.partition("+")[0]
    address = str(parts.hostname), parts.port or _PORTS[kind]
    try:
        with socket.create_connection(address, timeout=timeout_seconds) as connection:
            if kind not in _GREETINGS:
                return True
            connection.sendall(_GREETINGS[kind])
            return connection.recv(1) != b""
    except OSError:
        return False
