"""Every mistake that Nightbook names: what is wrong, where, and how to mend it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What the shell sees; the meanings stand in the command reference."""

    DONE = 0
    STAGE_FAILED = 1
    USAGE = 2
    REFUSED = 3
    DIFFERENT = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


class NightbookError(Exception):
    """The root: one sentence of what is wrong, and a remedy where one is known.

    Args:
        message: What is wrong and where, in one sentence without a full stop.
        remedy: What to type or change, shown behind `try:`; empty when there is none.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class SettingsError(NightbookError):
    """A settings file or variable that cannot be read as settings."""


class NotebookError(NightbookError):
    """A file that cannot be read as a notebook."""


class ParameterError(NightbookError):
    """A parameter, or a value for one, that a notebook does not declare that way."""


class SecretError(NightbookError):
    """A reference to a secret that leads to no usable value; the message never holds a value."""


class PipelineError(NightbookError):
    """Stages that cannot be ordered: a cycle, two writers, a missing input."""


class KernelError(NightbookError):
    """A kernel that is not installed."""


class RunNotFoundError(NightbookError):
    """A RUN that the ledger does not hold, or that names more than one."""


class SigningKeyError(NightbookError):
    """A private key that is not there, cannot be unlocked, or may be read by others."""


class TrustError(NightbookError):
    """A trust list that cannot be read, or that a change would break."""


class ReviewRefusedError(NightbookError):
    """What may not be approved, by whom it may not be, or what is no longer what was signed."""

    exit_code = ExitCode.REFUSED


class RunElsewhereError(NightbookError):
    """A run whose processes belong to another machine or container."""

    exit_code = ExitCode.UNREACHABLE


class LedgerError(NightbookError):
    """A ledger that cannot be opened, or that a newer program wrote."""

    exit_code = ExitCode.UNREACHABLE


class LedgerAwayError(LedgerError):
    """A ledger that cannot be reached right now: it may be back in a moment."""


class TrackerError(NightbookError):
    """A tracking server that cannot be reached or refuses."""

    exit_code = ExitCode.UNREACHABLE


class TrackerAwayError(TrackerError):
    """A tracking server that does not answer: what it is owed waits until it does."""


class ExecutorError(NightbookError):
    """Workers that cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class StorageError(NightbookError):
    """A folder that cannot be written, or a disk that is full."""


class DamagedContentError(StorageError):
    """The content store does not have what it should, or had it damaged: it has it no more."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Name the closest known word for a remedy, or list them all when none is close."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    names = sorted(known)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if matches:
        return f"did you mean '{matches[0]}'?"
    return f"known: {', '.join(names)}" if names else "there are none"
