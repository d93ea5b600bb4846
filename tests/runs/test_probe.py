from __future__ import annotations

import socket
import time
from contextlib import closing
from threading import Event

import pytest

from nightbook.runs.probe import answers, shown_uri


@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_listens_answers(scheme: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        assert answers(f"{scheme}://user:secret@127.0.0.1:{server.getsockname()[1]}/db", timeout_seconds=5)


def test_a_closed_port_does_not_answer() -> None:
    assert not answers("http://127.0.0.1:9", timeout_seconds=5)


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


def test_a_proxy_is_asked_in_place_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert not answers(uri, timeout_seconds=5)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert answers(uri, timeout_seconds=5)


def test_a_password_is_not_shown() -> None:
    assert shown_uri("postgresql://ada:pa55word@db:5432/mlflow") == "postgresql://ada:***@db:5432/mlflow"
    assert shown_uri("http://mlflow.example:5000") == "http://mlflow.example:5000"
