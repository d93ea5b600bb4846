from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.error import URLError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_follows_is_passed_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightbook", "lab", "--version"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout[0].isdecimal()


def answer_of(process: subprocess.Popen[bytes], address: str) -> dict[str, object]:
    """Ask until the server answers or is gone."""
    while process.poll() is None:
        with suppress(URLError), urllib.request.urlopen(address, timeout=30) as answer:
            found: dict[str, object] = json.load(answer)
            return found
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    return {}


def test_jupyterlab_serves_the_project_on_this_machine_only(tmp_path: Path) -> None:
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    (tmp_path / "nightbook.toml").touch()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=desk"]
    command = [sys.executable, "-m", "nightbook", "lab", *options]
    log = tmp_path / "log.txt"
    with (
        log.open("wb") as stream,
        subprocess.Popen(command, cwd=tmp_path / "notebooks" / "deep", stdout=stream, stderr=stream) as process,
    ):
        try:
            # From a folder below, it is still the project that is served.
            contents = answer_of(process, f"http://127.0.0.1:{port}/api/contents?token=desk")
            assert '"name": "notebooks"' in json.dumps(contents), log.read_text(encoding="utf-8")
        finally:
            process.kill()
    assert f"http://127.0.0.1:{port}/lab/tree/notebooks" in log.read_text(encoding="utf-8")
