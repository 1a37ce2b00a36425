"""The `seqjobs` command: find the subcommand, and turn every error into a message and an exit code.

Importing this module removes work folders from `sys.path` before it imports anything else; see `import_path`.
"""

# ruff: noqa: E402

from __future__ import annotations

from seqjobs.execution.import_path import leave_out_work_folders

leave_out_work_folders()

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from seqjobs import __version__
from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.reading_child import in_child, reads_data
from seqjobs.cli.spec_summary import spec_summary
from seqjobs.cli.streams import DurableStream, detach, open_missing
from seqjobs.errors import SeqjobsError, SpecError, UnforeseenError
from seqjobs.errors.out_of_memory import is_out_of_memory, out_of_memory
from seqjobs.errors.printable import printable, printable_block

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# The first line of each command's own help, repeated here so that `--help` imports none of them.
COMMANDS = {
    "init": "Write a spec that trains on DATA: a file, folder or glob.",
    "validate": "Check specs and print every mistake in them.",
    "plan": "Show what would run: jobs, data, trials.",
    "submit": "Train the jobs of one or more specs, or resume a run.",
    "ls": "List the runs, newest first.",
    "show": "Show the status of a run and the paths of its files.",
    "results": "Print the leaderboard of a run.",
    "logs": "Print the log of a trial.",
    "export": "Write a trial's model as a .keras file.",
    "predict": "Predict new rows with a trial's model.",
    "evaluate": "Print the loss and metrics of a trial's model on labelled rows.",
    "fsck": "Check the files of a run; with --repair, set damaged files aside.",
    "rm": "Remove runs with all their files.",
    "gc": "Remove the runs that meet all given conditions.",
    "up": "Start a local cluster that stays warm for the next submits.",
    "down": "End the warm cluster of `up`.",
    "explain": "Explain an error code: what it means and how to fix it.",
    "schema": "Print the JSON Schema of specs, for editors.",
    "doctor": "Check this machine, Ray and its workers.",
    "completion": "Print the completion script of a shell.",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is used, so that `--help` imports only Click."""

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

    if isinstance(error, UnforeseenError):
        click.echo(printable_block(error.trace), err=True)
    traceback.print_exception(error)


def leave(error: BaseException) -> Leave:
    """Return how the process ends after an error: an exit code and a message."""
    if isinstance(error, SpecError):
        return Leave(error.exit_code, printable_block(f"{error}\n{spec_summary(error)}"))
    if isinstance(error, UnforeseenError):
        return Leave(ExitCode.BUG, printable_block(f"{error}{_kept_traceback(error.trace)}"))
    if isinstance(error, SeqjobsError):
        return Leave(error.exit_code, printable_block(str(error)))
    if isinstance(error, KeyboardInterrupt):
        return Leave(ExitCode.INTERRUPTED, "interrupted.")
    if isinstance(error, BrokenPipeError):
        detach(sys.stdout)  # Python flushes it again at the end, and would print an error
        return Leave(ExitCode.BROKEN_PIPE)
    if is_out_of_memory(error):
        return Leave(ExitCode.LOST, out_of_memory())
    message = printable_block(f"{type(error).__name__}: {error}")
    if isinstance(error, OSError):
        again = "Set SEQJOBS_TRACEBACK=1 and run the same command again to see the traceback."
        return Leave(ExitCode.LOST, f"the operating system reports: {message}. {again}")
    import traceback  # noqa: PLC0415 - every start would pay for it

    trace = "".join(traceback.format_exception(error))
    return Leave(ExitCode.BUG, f"this is a bug in seqjobs: {message}.{_kept_traceback(trace)}")


def _kept_traceback(trace: str) -> str:
    """Write a traceback to a new file that only this user may read, and return a sentence that names it."""
    import tempfile  # noqa: PLC0415 - every start would pay for it

    try:
        descriptor, path = tempfile.mkstemp(prefix="seqjobs-traceback-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
    except OSError:
        return " Set SEQJOBS_TRACEBACK=1 to see the traceback."
    return f" The traceback is in {path}."


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="seqjobs")
def cli() -> None:
    """Train many Keras Sequential models as one batch on Ray, and rank them.

    Results go to stdout, progress to stderr. RUN is a run ID, the beginning of one, or a run's folder. Default: the
    newest run.
    """


def main() -> None:
    """Run the console script."""
    open_missing()
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks must not lose the rest of the output.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if reads_data(sys.argv[1:]):
        in_child(_run)
    else:
        _run()


def _run() -> None:
    sys.stderr = DurableStream.of(sys.stderr)
    # The search for plugins of pydantic, which seqjobs does not use, reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        cli.main(prog_name="seqjobs")
    except MemoryError:  # while another error was being handled
        os.write(2, f"{out_of_memory()}\n".encode())
        os._exit(ExitCode.LOST)
    finally:
        # At the end Python looks for cycles among all objects: a tenth of the time of `validate`, for nothing.
        gc.freeze()


if __name__ == "__main__":
    main()
