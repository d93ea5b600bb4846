"""The user's signing keys, and their passphrases: from a prompt, a variable or a file, never from the command line."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from nightbook.cli.entry import UNLOCKING
from nightbook.errors import SigningKeyError
from nightbook.reviews.keys import KeyFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nightbook.reviews.keys import SigningKey
    from nightbook.reviews.trust import TrustList

KEYS = "NIGHTBOOK_KEYS"
Command = TypeVar("Command", bound="Callable[..., object]")


def signing_options(command: Command) -> Command:
    """What every command that signs can be told."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout."),
        click.option(
            "--passphrase-file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help=f"Read the passphrase from there; else {UNLOCKING}, else it is asked for.",
        ),
        click.option("--key", "wanted", default="", help="Sign with this key: a name, or the start of an id."),
    ):
        command = option(command)
    return command


def key_folder() -> KeyFolder:
    """In the folder where the system keeps a user's configuration."""
    own = os.environ.get(KEYS)
    return KeyFolder(Path(own) if own else Path(click.get_app_dir("nightbook")) / "keys")


def unlocked_key(wanted: str, passphrase_file: Path | None, trust: TrustList) -> SigningKey:
    """The key to sign with, unlocked; of several the one that is trusted."""
    folder = key_folder()
    counting = [one.public.key_id for one in trust.keys if not one.refusal(datetime.now(UTC))]
    public = folder.find(wanted, preferred=counting)
    if not folder.is_encrypted(public):
        return folder.unlock(public, None)
    return folder.unlock(public, given_passphrase(passphrase_file) or _asked(f"Passphrase of {public.name}"))


def given_passphrase(file: Path | None) -> str | None:
    """From the file, else from the variable; None when neither says one."""
    if file is not None:
        # An editor ends a file with a line's end that nobody typed.
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    return os.environ.get(UNLOCKING) or None


def new_passphrase() -> str:
    """Asked for twice."""
    return _asked("Passphrase for the new key", is_new=True)


def _asked(question: str, *, is_new: bool = False) -> str:
    if not sys.stdin.isatty():
        raise SigningKeyError(
            f"{question}: nobody is here to type it", remedy=f"--passphrase-file FILE, or {UNLOCKING}"
        )
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=is_new, err=True)
    return answer
