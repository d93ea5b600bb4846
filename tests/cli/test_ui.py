from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from pathlib import Path


def test_it_says_where_it_is_and_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightbook", "ui", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        (link,) = re.findall(r"http://127\.0\.0\.1:\d+/login\?token=\S+", server.stdout.readline())
        with urlopen(f"{link.split('/login')[0]}/assets/0/style.css") as style:
            assert style.status == 200
        server.terminate()
        _, said = server.communicate()
    assert "Traceback" not in said
