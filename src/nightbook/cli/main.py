"""The `nightbook` command: its root loads a command's module only when that command is used."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, NoReturn

import click

from nightbook.errors import ExitCode, NightbookError
from nightbook.loading import UNUSED_VALIDATORS, collect_rarely, without

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from click.shell_completion import CompletionItem

COMMANDS = {
    "init": "Make a new project.",
    "doctor": "Say what is installed, configured and reachable.",
    "params": "Show a notebook's parameters.",
    "run": "Run the pipeline, some stages of it, or a notebook.",
    "why": "Say why a stage would run, or would not.",
    "resume": "Run only what a failed or interrupted run still owes.",
    "sweep": "Run one notebook over many parameter sets.",
    "runs": "List, show, compare, follow and cancel runs.",
    "report": "Show where a run's report is, or write a copy.",
    "diff": "Compare two runs: parameters, metrics, source.",
    "request-review": "Put a run before the reviewers.",
    "approve": "Approve a run for a job, signed with your key.",
    "reject": "Reject a run, signed with your key.",
    "comment": "Say something about a run, signed with your key.",
    "approvals": "List reviews, and verify what was signed.",
    "keys": "Make signing keys, and say whom the project trusts.",
    "sync": "Send MLflow what it is still owed.",
    "lab": "Open JupyterLab on the project's notebooks.",
    "ui": "Open the review app: runs, their reports, what differs.",
}


VERBOSE = frozenset({"-v", "--verbose"})


class LazyGroup(click.Group):
    """Knows its commands by name and one line each; `nightbook --help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of the command that is used."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"nightbook.cli.{cmd_name.replace('-', '_')}").command
        _let_be_verbose(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer commands without importing them: a shell asks at every press of the key."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only a shell needs it

        commands = [CompletionItem(name, help=words) for name, words in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command for a mistyped one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415 - only a typo needs it

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(
                f"{error.message} Did you mean '{close[0]}'?" if close else error.message, ctx
            ) from None


def _let_be_verbose(command: click.Command) -> None:
    """Let `-v` stand behind the command too, where one adds it after an error."""
    if not any("--verbose" in one.opts for one in command.params):
        option = click.Option(
            ("-v", "--verbose"), is_flag=True, expose_value=False, help="Show the traceback of an error."
        )
        command.params.append(option)
    for inner in getattr(command, "commands", {}).values():
        _let_be_verbose(inner)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightbook", prog_name="nightbook")
@click.option("-v", "--verbose", is_flag=True, expose_value=False, help="Show the traceback of an error.")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Notebooks by day, jobs by night: run parameterised notebooks as a tracked, truthful, reported pipeline."""
    ctx.color = False if os.environ.get("NO_COLOR") else None


def main() -> NoReturn:
    """Run the command that the command line names and leave with its code.

    Without the interpreter's shutdown, which takes a tenth of a second to put away what ends with the process anyway.
    """
    collect_rarely()
    for stream in (sys.stdout, sys.stderr):
        # A mark that the terminal's encoding does not have is no reason to say nothing at all.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    os._exit(carry_out(sys.argv[1:]))


def carry_out(arguments: Sequence[str]) -> int:
    """Run a command in this process, whatever it is ended by; returns its exit code with all that it said said."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    with without(*UNUSED_VALIDATORS):
        code = run_command(arguments)
    for stream in (sys.stdout, sys.stderr):
        # Who closed it hears nothing; a full disk behind it is their affair.
        if stream is not None:
            with suppress(OSError):
                stream.flush()
    return code


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the only place that catches every error of ours."""
    try:
        return int(root.main(args=list(arguments), prog_name="nightbook", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except NightbookError as error:
        _show(error, is_verbose=bool(VERBOSE & set(arguments)))
        return error.exit_code


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _show(error: NightbookError, *, is_verbose: bool) -> None:
    if is_verbose:
        import traceback  # noqa: PLC0415 - only asked for

        traceback.print_exception(error)
    _say(f"{click.style('error:', fg='red', bold=True)} {error.message}")
    if error.remedy:
        _say(f"{click.style('try:', bold=True)} {error.remedy}")


def _say(text: str) -> None:
    click.echo(text, err=True, color=False if os.environ.get("NO_COLOR") else None)
