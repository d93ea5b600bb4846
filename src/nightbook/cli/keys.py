"""`nightbook keys`: make signing keys, and say whom the project trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from nightbook.cli.answers import plain_table, stdout_console
from nightbook.cli.project import current_settings, echo_json
from nightbook.cli.unlocking import given_passphrase, key_folder, new_passphrase
from nightbook.errors import ExitCode
from nightbook.numbers import format_time
from nightbook.records import json_value
from nightbook.reviews.keys import ID_SHOWN, PublicKey, read_public_key
from nightbook.reviews.names import shown_name
from nightbook.reviews.trust import DEFAULT_ROLE, TRUST_FILE, TrustedKey, load_trust
from nightbook.runs.facts import current_user
from nightbook.workflow.trusting import revoke, trust

if TYPE_CHECKING:
    from nightbook.reviews.trust import TrustList

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def command() -> None:
    """Make signing keys, and say whom the project trusts."""


@command.command("create")
@click.argument("name", default="")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the passphrase from there; else NIGHTBOOK_PASSPHRASE, else it is asked for.",
)
@click.option("--no-passphrase", is_flag=True, help="Leave the private key unencrypted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def create(name: str, *, passphrase_file: Path | None, no_passphrase: bool, as_json: bool) -> int:
    """Make an Ed25519 key for NAME, by default your login name; it stays in your own configuration folder."""
    passphrase = None if no_passphrase else given_passphrase(passphrase_file) or new_passphrase()
    folder = key_folder()
    public = folder.create(name or current_user(), passphrase)
    if as_json:
        echo_json({"name": public.name, "key_id": public.key_id, "public_key": public.line})
        return ExitCode.DONE
    click.echo(f"made a key for {shown_name(public.name)} in {folder.folder}")
    click.echo(f"  {public.text}")
    click.echo("try: nightbook keys trust", err=True)
    return ExitCode.DONE


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_(*, as_json: bool) -> int:
    """List your own keys and those that the project trusts."""
    own, trusted = key_folder().public_keys(), load_trust(current_settings().root)
    if as_json:
        echo_json({"own": [_own_json(one) for one in own], "trusted": [_trusted_json(one) for one in trusted.keys]})
        return ExitCode.DONE
    console = stdout_console()
    if not own and not trusted.keys:
        click.echo("no key yet; try: nightbook keys create", err=True)
    for one in own:
        console.print(Text(f"yours  {shown_name(one.name)}  {one.key_id[:ID_SHOWN]}"), soft_wrap=True)
        console.print(Text(f"       {one.text}", "dim"), soft_wrap=True)
    if trusted.keys:
        console.print(_trust_table(trusted))
    return ExitCode.DONE


@command.command("trust")
@click.argument("key", default="")
@click.option("--name", help="Whose key it is; else the name behind the key.")
@click.option("--role", "roles", multiple=True, default=[DEFAULT_ROLE], show_default=True, help="May be repeated.")
@click.option("--user", "users", multiple=True, help="A login name of theirs; may be repeated.")
@click.option("--from", "start", type=_DAY, help="The first day, in UTC; else now.")
@click.option("--until", type=_DAY, help="The day, in UTC, from which on nothing new counts.")
def trust_(
    key: str, *, name: str | None, roles: tuple[str, ...], users: tuple[str, ...], **days: datetime | None
) -> int:
    """Add KEY to the project's trust list: a public key in quotes, a file with one, or the name of a key of yours."""
    public, is_own = _found(key)
    if name:
        public = read_public_key(f"{public.line} {name}", "the key")
    first, until = days["start"], days["until"]
    entry = TrustedKey(
        public=public,
        roles=roles,
        users=users or ((current_user(),) if is_own else ()),
        start=first.replace(tzinfo=UTC) if first else datetime.now(UTC).replace(microsecond=0),
        until=until.replace(tzinfo=UTC) if until else None,
    )
    path = trust(current_settings(), entry)
    click.echo(f"{shown_name(public.name)} ({public.key_id[:ID_SHOWN]}) is in {path.name} as {', '.join(roles)}")
    click.echo(f"try: git add {path.name}, and have the change reviewed", err=True)
    return ExitCode.DONE


@command.command("revoke")
@click.argument("key")
@click.option("-m", "--message", required=True, help="Why; it stands in the trust list.")
def revoke_(key: str, *, message: str) -> int:
    """Take KEY, a name or the start of an id, off the trust: nothing that it ever signed counts any more."""
    entry = revoke(current_settings(), key, message, datetime.now(UTC).replace(microsecond=0))
    click.echo(f"{shown_name(entry.name)} ({entry.public.key_id[:ID_SHOWN]}) is revoked in {TRUST_FILE}")
    click.echo("try: nightbook approvals verify", err=True)
    return ExitCode.DONE


def _found(key: str) -> tuple[PublicKey, bool]:
    """A public key by its line, its file, or as one of the user's own."""
    if key.startswith("ssh-"):
        return read_public_key(key, "the key"), False
    if key and Path(key).is_file():
        return read_public_key(Path(key).read_text(encoding="utf-8", errors="replace"), key), False
    return key_folder().find(key), True


def _trust_table(trusted: TrustList) -> object:
    table = plain_table("trusted", "key", "roles", "from", "until", "")
    for one in trusted.keys:
        table.add_row(
            Text(shown_name(one.name)),
            one.public.key_id[:ID_SHOWN],
            Text(", ".join(one.roles)),
            format_time(one.start),
            format_time(one.until),
            Text(one.refusal(datetime.now(UTC)), "red"),
        )
    return table


def _own_json(key: PublicKey) -> dict[str, object]:
    return {"name": key.name, "key_id": key.key_id, "public_key": key.line}


def _trusted_json(key: TrustedKey) -> dict[str, object]:
    return {
        **_own_json(key.public),
        "roles": list(key.roles),
        "users": list(key.users),
        "from": json_value(key.start),
        "until": json_value(key.until),
        "revoked": json_value(key.revoked),
        "reason": key.reason,
        "counts": not key.refusal(datetime.now(UTC)),
    }
