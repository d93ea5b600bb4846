"""A ledger that is away for a while: asked again, and nothing is lost meanwhile."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from nightbook.errors import LedgerAwayError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

LEDGER_PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 1.0


def patiently(ask: Callable[[], Answer]) -> Answer:
    """What the ledger answers, which may be away for two minutes.

    Args:
        ask: A second time does no harm.

    Raises:
        LedgerAwayError: It was away all the time.
        StorageError: Its disk was full all the time.
    """
    try:
        return ask()
    except (LedgerAwayError, StorageError):
        tenacity = import_module("tenacity")
        answer: Answer = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((LedgerAwayError, StorageError)),
            wait=tenacity.wait_fixed(PAUSE_SECONDS),
            stop=tenacity.stop_after_delay(LEDGER_PATIENCE_SECONDS),
            reraise=True,
        )(ask)
        return answer
