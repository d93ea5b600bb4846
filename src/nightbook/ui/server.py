"""Serves the review app on this machine."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn

from nightbook.errors import SettingsError
from nightbook.runs.facts import current_user
from nightbook.ui.access import Role
from nightbook.ui.app import Origins, review

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.settings import Settings

LOOPBACK = "127.0.0.1"
REPORT_HOST = "localhost"
"""The same machine by another name: browsers share no cookie between the two."""


def serve(settings: Settings, *, port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        settings: The project.
        port: Of the app; 0 takes a free one. Reports have another, which is free.
        announce: Told the link that logs in whoever opens it first.

    Raises:
        SettingsError: The port is taken.
    """
    with _listener(port) as ours, _listener(0) as reports:
        origins = Origins(
            app=f"http://{LOOPBACK}:{ours.getsockname()[1]}", reports=f"http://{REPORT_HOST}:{reports.getsockname()[1]}"
        )
        made = review(settings, origins)
        token = made.sessions.invite(current_user(), Role.ADMIN)
        servers = [_server(made.app), _server(made.reports)]
        announce(f"{origins.app}/login?token={token}")
        asyncio.run(_serve(servers, [ours, reports]))


async def _serve(servers: list[uvicorn.Server], listeners: list[socket.socket]) -> None:
    """Both, until the first hears that it is to end."""
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def _server(app: object) -> uvicorn.Server:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI application by its call
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise SettingsError(
            f"port {port} cannot be had: {error.strerror or error}",
            remedy="nightbook ui --port 0",
        ) from error
