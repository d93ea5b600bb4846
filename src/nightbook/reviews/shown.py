"""An output as it is compared: what it shows in each format, and a digest of it all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "text/plain"
HTML = "text/html"
ERROR = "error"
_STREAMS = {"stdout": "stdout", "stderr": "stderr"}
_RICHEST = ("application/", "image/", "video/", "audio/", HTML, "text/latex", "text/markdown", "text/")
"""What a page would show, best first; the rest of a bundle says the same again."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One output of a cell.

    Attributes:
        kind: `stdout`, `stderr`, `error`, or the richest of its formats.
        formats: Its content by MIME type, text joined; streams and errors are `text/plain`.
        error: Name and message of an exception; empty for what is none.
    """

    kind: str
    formats: Mapping[str, object]
    error: str = ""

    @cached_property
    def size_bytes(self) -> int:
        """Of all formats together, as the notebook holds them."""
        return sum(len(_encoded(content)) for content in self.formats.values())

    @cached_property
    def digest(self) -> str:
        """`sha256:…` of all formats; what a kernel counts, and metadata, have no say."""
        found = sha256(self.kind.encode())
        for mime in sorted(self.formats):
            found.update(mime.encode() + b"\0" + _encoded(self.formats[mime]) + b"\0")
        return f"sha256:{found.hexdigest()}"


def read_outputs(outputs: Sequence[Mapping[str, object]]) -> tuple[Shown, ...]:
    """The outputs of a cell; what a stream printed in several pieces is one."""
    shown: list[Shown] = []
    for output in outputs:
        one = _read(output)
        last = shown[-1] if shown else None
        if last and one.kind in _STREAMS and last.kind == one.kind:
            shown[-1] = Shown(kind=one.kind, formats={TEXT: f"{last.formats[TEXT]}{one.formats[TEXT]}"})
        else:
            shown.append(one)
    return tuple(shown)


def _read(output: Mapping[str, object]) -> Shown:
    kind = output.get("output_type")
    if kind == "stream":
        return Shown(kind=_STREAMS.get(str(output.get("name")), "stdout"), formats={TEXT: _joined(output.get("text"))})
    if kind == "error":
        error = f"{output.get('ename', '')}: {output.get('evalue', '')}"
        traceback = output.get("traceback")
        frames = [str(frame) for frame in traceback] if isinstance(traceback, list) else []
        return Shown(kind=ERROR, formats={TEXT: "\n".join(frames) or error}, error=error)
    bundle = output.get("data")
    formats = {str(mime): _joined(content) for mime, content in bundle.items()} if isinstance(bundle, dict) else {}
    return Shown(kind=min(formats, key=_rank, default=str(kind)), formats=dict(sorted(formats.items(), key=_by_rank)))


def _by_rank(item: tuple[str, object]) -> tuple[int, str]:
    return _rank(item[0])


def _rank(mime: str) -> tuple[int, str]:
    place = next((place for place, start in enumerate(_RICHEST) if mime.startswith(start)), len(_RICHEST))
    # The text that stands in for everything else comes last.
    return (len(_RICHEST) + 1 if mime == TEXT else place), mime


def _joined(content: object) -> object:
    """Editors save text as a list of lines, or as one string."""
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "".join(content)
    return content if content is not None else ""


def _encoded(content: object) -> bytes:
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    return json.dumps(content, sort_keys=True).encode()
