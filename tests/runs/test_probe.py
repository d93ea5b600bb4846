from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event
from typing import TYPE_CHECKING

import pytest

from nightbook.runs.probe import answers, shown_uri

if TYPE_CHECKING:
    from collections.abc import Iterator


class WebServer(HTTPServer):
    """Answers every request with one status, and remembers what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answering)


class Answering(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/login")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    with WebServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def database_port() -> Iterator[int]:
    """A port where a first word is said as databases do: PostgreSQL once it was asked for TLS, MySQL by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(0.1)
                        with suppress(TimeoutError):
                            connection.recv(8)
                        connection.sendall(b"N")

        threading.Thread(target=speak, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "mysql+pymysql"])
def test_a_database_that_speaks_answers(scheme: str, database_port: int) -> None:
    assert answers(f"{scheme}://user:secret@127.0.0.1:{database_port}/db", timeout_seconds=5)


def test_of_a_database_whose_words_we_do_not_know_it_is_enough_that_it_listens(silent_port: int) -> None:
    assert answers(f"mssql+pyodbc://127.0.0.1:{silent_port}/db", timeout_seconds=5)


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql+psycopg", "mysql"])
def test_a_server_that_listens_and_says_nothing_does_not_answer(scheme: str, silent_port: int) -> None:
    assert not answers(f"{scheme}://127.0.0.1:{silent_port}", timeout_seconds=0.2)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 500])
def test_whatever_a_web_server_says_is_an_answer(web_server: WebServer, status: int) -> None:
    web_server.status = status
    assert answers(f"http://127.0.0.1:{web_server.server_port}", timeout_seconds=5)


@pytest.mark.parametrize(("base", "asked"), [("", "/health"), ("/", "/health"), ("/ml/flow/?a=b", "/ml/flow/health")])
def test_mlflow_is_asked_for_its_health_below_its_base_path(web_server: WebServer, base: str, asked: str) -> None:
    assert answers(f"http://me:secret@127.0.0.1:{web_server.server_port}{base}", timeout_seconds=5)
    assert web_server.asked == [asked]


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql"])
def test_a_closed_port_does_not_answer(scheme: str) -> None:
    assert not answers(f"{scheme}://127.0.0.1:9/db", timeout_seconds=5)


@pytest.mark.parametrize("uri", ["sqlite:////tmp/mlflow.sqlite", "databricks", "postgresql:///db?host=/run/pg"])
def test_what_names_no_host_needs_no_network(uri: str) -> None:
    assert answers(uri, timeout_seconds=0.01)


def test_a_host_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    awake = Event()

    def look_up_for_ever(*_: object, **__: object) -> None:
        """Behave as the resolver does when the name server is away."""
        awake.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", look_up_for_ever)
    began = time.monotonic()
    assert not answers("http://mlflow.example:5000", timeout_seconds=0.2)
    assert time.monotonic() - began < 5
    awake.set()


def test_a_proxy_is_asked_in_place_of_the_host(monkeypatch: pytest.MonkeyPatch, web_server: WebServer) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    uri = f"http://127.0.0.1:{web_server.server_port}"
    assert not answers(uri, timeout_seconds=5)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert answers(uri, timeout_seconds=5)


def test_a_password_is_not_shown() -> None:
    assert shown_uri("postgresql://ada:pa55word@db:5432/mlflow") == "postgresql://ada:***@db:5432/mlflow"
    assert shown_uri("http://mlflow.example:5000") == "http://mlflow.example:5000"
