"""A secret's value lives in the kernel's process: it stands in no file of ours, on no terminal, in no process list."""

from __future__ import annotations

import base64
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Scene

DECLARES = """\
from nightbook import Secret
token: Secret = "env:WAREHOUSE_TOKEN"
password: Secret = "file:password.txt"
"""
LOUD = """\
import os, subprocess, sys, time, warnings, logging
import nightbook, pandas
from IPython.display import HTML, display
value, word = nightbook.reveal(token), nightbook.reveal(password)
print(nightbook.reveal("env:UNDECLARED_TOKEN"))
print(value, word)
print(repr(value), {"token": value}, file=sys.stderr)
warnings.warn(word)
logging.getLogger().error(value)
for letter in value:
    print(letter, end="", flush=True)
    time.sleep(0.02)
for letter in word:
    sys.stderr.write(letter); sys.stderr.flush()
subprocess.run(["sh", "-c", "echo $WAREHOUSE_TOKEN; echo $WAREHOUSE_TOKEN >&2; cat password.txt"])
os.write(1, value.encode() + b"\\n"); os.write(2, word.encode() + b"\\n")
display(pandas.DataFrame({"token": [value], word: [1]}))
display(HTML(f"<b title='{value}'>{word}</b>"))
import base64; print(base64.b64encode(f"user:{value}".encode()).decode())
nightbook.log_param("used", value); nightbook.log_metric(word, 1); nightbook.log_table("t", [{"a": value}])
handle = display(value, display_id=True); handle.update(word)
value
"""
# The notebook waits here, so that the test can look at everything while it runs.
WAIT = "open('ready', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.05)"
RAISE = "raise ValueError(f'cannot log in with {value}', {'password': word})"


def test_a_canary_is_found_nowhere(scene: Scene) -> None:
    token, password = f"canary-{uuid.uuid4()}-tweet", f"sperling '{uuid.uuid4()}'"
    undeclared = f"finch-{uuid.uuid4()}"
    scene.stage("loud", LOUD, WAIT, RAISE, declares=DECLARES)
    (scene.root / "notebooks" / "password.txt").write_text(password + "\n")
    scene.environment |= {"WAREHOUSE_TOKEN": token, "UNDECLARED_TOKEN": undeclared}
    scene.environment["NIGHTBOOK_TRACKING_URI"] = f"sqlite:///{scene.root}/.nightbook/mlflow.sqlite"
    client = scene.start("-v", "run")
    scene.wait_until((scene.root / "notebooks" / "ready").exists, "the notebook to wait")

    commands = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            commands.append(" ".join(process.cmdline()))
    (scene.root / "notebooks" / "go").touch()
    output, errors = client.communicate(timeout=2 * scene.patience_seconds)

    assert client.returncode == 1, errors
    written = {str(path): path.read_bytes() for path in (scene.root / ".nightbook").rglob("*") if path.is_file()}
    places = {**written, "terminal": (output + errors).encode(), "processes": "\n".join(commands).encode()}
    for secret in (token, password, undeclared):
        alone = secret.encode()
        inside = base64.b64encode(b"user:" + alone)[8:-4]
        for shape in (alone, base64.b64encode(alone), inside, alone.hex().encode(), repr(secret)[1:-1].encode()):
            assert [place for place, content in places.items() if shape in content] == []

    # What was secret only is gone; all else is there.
    record = scene.contact()["loud"]
    assert record.message.startswith("ValueError: ('cannot log in with [redacted]'")
    text = (scene.folder(record) / "executed.ipynb").read_text()
    assert text.count("[redacted]") > 15
    assert any("mlartifacts" in place for place in written)
    assert any(place.endswith("mlflow.sqlite") for place in written)
