"""Options and arguments that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqjobs.errors.printable import printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

specs_argument = click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
overrides_option = click.option(
    "-S",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Put a value in place of the spec's, as -S fit.epochs=3; repeat for more.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs",
    show_default=True,
    envvar="SEQJOBS_RUNS_DIR",
    show_envvar=True,
    help="The folder that holds the runs.",
)
trial_option = click.option(
    "--trial", metavar="TRIAL", help="A trial's id or the beginning of it; left out, the best one."
)
address_option = click.option(
    "--address",
    help="The Ray cluster to use, as ray://HOST:10001; left out, the one that `seqjobs up` keeps, or else a local one.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="The most workers to use; left out, as many as fit."
)


def output_option(*formats: str) -> Decorator:
    """`-o FORMAT`, the first format being the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="The format of what goes to stdout.",
    )


def _run_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    # Imported here: a completion is the only use that this module has for either.
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    from seqjobs.results.run_folders import list_runs  # noqa: PLC0415

    names = [path.name for path in list_runs(ctx.params.get("runs_dir") or Path("runs"))]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


run_argument = click.argument("run", required=False, shell_complete=_run_ids)
run_and_data_argument = click.argument("words", metavar="[RUN] DATA...", nargs=-1, required=True)


def run_and_data(runs_dir: Path, words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The run, if one is named, and the data behind it: the first of several words is data only where it is a path."""
    first, *data = words
    if _is_data(first) or not (data or _is_run(runs_dir, first)):
        return None, words
    if not data:
        raise click.UsageError(f"Missing DATA: {printable(first)} is a run.")
    from seqjobs.results.run_folders import find_run  # noqa: PLC0415 (as above)

    find_run(runs_dir, first)
    return first, tuple(data)


def _is_run(runs_dir: Path, word: str) -> bool:
    from seqjobs.results.run_folders import list_runs  # noqa: PLC0415 (as above)

    names = [path.name for path in list_runs(runs_dir)]
    return (Path(word) / "run.json").is_file() or any(name.startswith(word) for name in names)


def _is_data(word: str) -> bool:
    path = Path(word)
    is_there = path.exists() and not (path / "run.json").is_file()
    return is_there or "://" in word or any(character in word for character in "*?[")
