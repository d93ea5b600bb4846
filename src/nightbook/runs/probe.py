"""Whether a server listens, answered within half a second whatever the network does."""

from __future__ import annotations

import socket
import urllib.request
from threading import Thread
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def answers(uri: str, *, timeout_seconds: float) -> bool:
    """Connect to the host that a URI names; True for a URI that names none, such as a file's.

    Args:
        uri: An HTTP address, or a database's URL.
        timeout_seconds: The longest that the answer takes; looking up the host's name is included.
    """
    address = _address(uri)
    if address is None:
        return True
    connected: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection(address, timeout=timeout_seconds).close()
        except OSError:
            return
        connected.append(True)

    # A name server that is away holds up the look-up for long, and no timeout reaches it.
    thread = Thread(target=connect, name="nightbook-probe", daemon=True)
    thread.start()
    thread.join(timeout_seconds)
    return bool(connected)


def shown_uri(uri: str) -> str:
    """Return a URI without the password that it may hold."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")).geturl()


def _address(uri: str) -> tuple[str, int] | None:
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    if kind not in _PORTS or not parts.hostname:
        return None
    if kind in {"http", "https"} and not urllib.request.proxy_bypass(parts.hostname):
        proxy = urlsplit(urllib.request.getproxies().get(kind, ""))
        if proxy.hostname:
            return proxy.hostname, proxy.port or _PORTS["http"]
    return parts.hostname, parts.port or _PORTS[kind]
