"""What a review is about: digests of all that a run was made of and of what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightbook.errors import ReviewRefusedError
from nightbook.records import json_value
from nightbook.reviews.canonical import canonical_json, sha256
from nightbook.runs.request import ENVIRONMENT, EXECUTED, REPORT, SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nightbook.records import Pin, Run
    from nightbook.runs.facts import RunFacts

# Without these there is nothing that anybody could have looked at.
NEEDED = (SOURCE, EXECUTED, REPORT)
_FILES = (*NEEDED, ENVIRONMENT)
_DIGEST = "sha256:"


def digests_of(run: Run, facts: RunFacts, folder: Path) -> dict[str, str]:
    """SHA-256 by name: of files their bytes, of facts their canonical JSON, of data what its pin says.

    Args:
        run: The record.
        facts: What the record does not show.
        folder: Where the run's files are; one that is missing has no digest.
    """
    digests = {name: sha256((folder / name).read_bytes()) for name in _FILES if (folder / name).is_file()}
    told: dict[str, object] = {
        "code": {"fingerprint": run.fingerprint, "parts": dict(facts.fingerprint_parts)},
        "parameters": dict(run.parameters),
        "metrics": dict(run.metrics),
        "outcome": [run.status.value, run.message, list(run.cells)],
        "git": [run.git_commit, run.git_dirty],
        "origin": [run.stage, run.notebook, facts.user],
    }
    digests |= {name: sha256(canonical_json(json_value(value))) for name, value in told.items()}
    for kind, pins in (("input", run.inputs), ("output", run.outputs)):
        digests |= {f"{kind} {pin.name} {pin.uri}": _pin_digest(pin) for pin in pins}
    return digests


def require_files(run: Run, digests: Mapping[str, str]) -> None:
    """Make sure that there is something to look at.

    Raises:
        ReviewRefusedError: The run's files are not on this machine.
    """
    missing = [name for name in NEEDED if name not in digests]
    if missing:
        raise ReviewRefusedError(
            f"{run.label} cannot be reviewed here: {', '.join(missing)} {_are(missing)} not on this machine",
            remedy="ask on the machine that ran it",
        )


def differences(signed: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """What is no longer as it was signed, in words; empty when all is."""
    missing = [name for name in signed if name not in found]
    changed = [name for name in signed if name in found and found[name] != signed[name]]
    added = [name for name in found if name not in signed]
    unchanged = "not as it was" if len(changed) == 1 else "not as they were"
    sentences = {"missing": missing, unchanged: changed, "not part of what was signed": added}
    return tuple(f"{', '.join(sorted(names))} {_are(names)} {words}" for words, names in sentences.items() if names)


def _pin_digest(pin: Pin) -> str:
    if pin.digest.startswith(_DIGEST):
        return pin.digest.removeprefix(_DIGEST)
    return sha256(canonical_json(json_value(pin)))


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
