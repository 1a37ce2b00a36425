"""The `seqjobs` command: finds the subcommand, and turns every error into a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from seqjobs import __version__
from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.spec_summary import spec_summary
from seqjobs.cli.streams import DurableStream, detach, open_missing
from seqjobs.errors import SeqjobsError, SpecError
from seqjobs.errors.printable import printable, printable_block

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The first line of each command's own help, kept here so that `--help` imports none of them.
COMMANDS = {
    "init": "Write a spec that trains on DATA: a file, folder or glob.",
    "validate": "Check specs and print every mistake in them.",
    "plan": "Show what would run: jobs, trials, programs, data.",
    "submit": "Train the jobs of one or more specs, or resume a run.",
    "ls": "List the runs, newest first.",
    "show": "Show how a run stands and where its files lie.",
    "results": "Print the leaderboard of a run.",
    "logs": "Print what a trial wrote while it trained.",
    "export": "Write a trial's model as a .keras file.",
    "predict": "Predict new rows with a trial's model.",
    "evaluate": "Print loss and metrics of a trial's model on labelled rows.",
    "fsck": "Check the files of a run; with --repair, set damaged ones aside.",
    "up": "Keep a local cluster warm for the next submits.",
    "down": "End the cluster that `up` keeps.",
    "schema": "Print the JSON Schema of a spec, for editors.",
    "doctor": "Check this machine, Ray and its workers.",
    "completion": "Print the completion script of a shell.",
}


class LazyGroup(click.Group):
    """Imports a subcommand when it is used, so that `--help` costs no more than Click."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"seqjobs.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped command needs it

        near = [] if args[0] in COMMANDS else get_close_matches(args[0], COMMANDS, n=1)
        if near:
            ctx.fail(f"No such command '{printable(args[0])}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only the Tab key needs it

        names = [name for name in COMMANDS if name.startswith(incomplete)]
        return [CompletionItem(name, help=COMMANDS[name]) for name in names] or super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get("SEQJOBS_TRACEBACK"):
                _print_traceback(error)
            raise leave(error) from error


def _print_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - every start would pay for it

    traceback.print_exception(error)


def leave(error: BaseException) -> Leave:
    """The end of the process that an error asks for."""
    if isinstance(error, SpecError):
        return Leave(error.exit_code, printable_block(f"{error}\n{spec_summary(error)}"))
    if isinstance(error, SeqjobsError):
        return Leave(error.exit_code, printable_block(str(error)))
    if isinstance(error, KeyboardInterrupt):
        return Leave(ExitCode.INTERRUPTED, "interrupted.")
    if isinstance(error, BrokenPipeError):
        detach(sys.stdout)  # Python flushes it once more as it ends, and would complain
        return Leave(ExitCode.BROKEN_PIPE)
    message = printable_block(f"{type(error).__name__}: {error}")
    again = "Set SEQJOBS_TRACEBACK=1 and run the same command again to see where."
    if isinstance(error, OSError):
        return Leave(ExitCode.LOST, f"the system refused: {message}. {again}")
    return Leave(ExitCode.BUG, f"this is a bug in seqjobs: {message}. {again}")


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="seqjobs")
def cli() -> None:
    """Train many Keras Sequential models as one batch on Ray, and rank them.

    Results go to stdout, progress to stderr. RUN is a run's id, the beginning of it, or its folder; left out, it is
    the newest run.
    """


def main() -> None:
    """The console script."""
    open_missing()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is no reason to lose the rest of the output.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stderr = DurableStream.of(sys.stderr)
    # Looking for plugins of pydantic, which seqjobs does not use, reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        cli.main(prog_name="seqjobs")
    finally:
        # At its end Python looks for cycles among all objects: a tenth of the time of `validate`, for nothing.
        gc.freeze()


if __name__ == "__main__":
    main()
