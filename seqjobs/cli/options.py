"""Options and arguments that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqjobs.errors.printable import printable
from seqjobs.errors.redaction import redacted

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
# As in s3://bucket/runs. Path would make a local folder `s3:` of it.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/{2,}")


class LocalPath(click.Path):
    """A path on this machine, as a Path; an address such as s3://bucket/runs is a usage error."""

    def __init__(self, *, dir_okay: bool = True, file_okay: bool = True) -> None:
        super().__init__(dir_okay=dir_okay, file_okay=file_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and _URI.match(value):
            address = printable(value)
            self.fail(
                f"{address} is not on this machine: name a local or mounted folder, and copy from there.", param, ctx
            )
        return super().convert(value, param, ctx)


class OutputFile(LocalPath):
    """A file to write: its name has one of the endings, and its folder exists."""

    def __init__(self, *endings: str) -> None:
        super().__init__(dir_okay=False)
        self._endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        if path.suffix not in self._endings:
            self.fail(f"the file must end in {' or '.join(self._endings)} (got {printable(path)}).", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"the folder {printable(path.parent)} does not exist: create it first.", param, ctx)
        return path


def quantity(
    parse: Callable[[str], float],
) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """Return the callback of an option for a number with a unit; `parse` raises ValueError with what is wrong."""

    def convert(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(f"'{printable(value)}': {error}", ctx, param) from error

    return convert


force_option = click.option("--force", is_flag=True, help="Overwrite an existing file.")


def check_may_write(path: Path, *, force: bool) -> None:
    """Raise a usage error for a file that exists, unless `force` allows to replace it."""
    if path.exists() and not force:
        raise click.BadParameter(f"{printable(path)} exists; --force overwrites it.", param_hint="'--out'")


specs_argument = click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
overrides_option = click.option(
    "-S",
    "overrides",
    metavar="PATH=VALUE",
    multiple=True,
    help="Override a spec value, for example -S fit.epochs=3. Repeatable.",
)
runs_dir_option = click.option(
    "--runs-dir",
    type=LocalPath(file_okay=False),
    default="runs",
    show_default=True,
    envvar="SEQJOBS_RUNS_DIR",
    show_envvar=True,
    help="Folder of runs.",
)
trial_option = click.option(
    "--trial", metavar="TRIAL", help="Trial ID, or the beginning of one. Default: the best trial."
)


def cluster_address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the address of a Ray cluster; a usage error for Ray's client, through which workers cannot report."""
    if value is not None and value.startswith("ray://"):
        what = (
            f"{redacted(value)} is an address of Ray's client, which is not supported: name the head's HOST:6379, on a"
        )
        raise click.BadParameter(f"{what} machine of the cluster.", ctx, param)
    return value


address_option = click.option(
    "--address",
    callback=cluster_address,
    help="Ray cluster, for example HOST:6379. Default: the cluster of `seqjobs up`, or else a local one.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Use at most this many workers. Default: as many as fit."
)


def print_warning(text: str) -> None:
    """Print a warning of a command that shows no progress."""
    click.echo(f"warning: {printable(text)}", err=True)


def output_option(*formats: str) -> Decorator:
    """Return the option `-o FORMAT`; the first format is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Output format.",
    )


def _run_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    # Imported here: only a completion needs them.
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    from seqjobs.results.run_folders import list_runs  # noqa: PLC0415
    from seqjobs.store.runs_folder import RunsFolder  # noqa: PLC0415

    names = [store.name for store in list_runs(RunsFolder(ctx.params.get("runs_dir") or "runs"))]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


run_argument = click.argument("run", required=False, shell_complete=_run_ids)
runs_argument = click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=_run_ids)
run_and_data_argument = click.argument("words", metavar="[RUN] DATA...", nargs=-1, required=True)


def run_and_data(runs_dir: Path, words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Return the run, or None, and the data: the first of several words is data if it is a path that exists."""
    first, *data = words
    if _is_data(first) or not (data or _is_run(runs_dir, first)):
        return None, words
    if not data:
        raise click.UsageError(f"Missing DATA: {printable(first)} is a run.")
    from seqjobs.results.run_folders import find_run  # noqa: PLC0415 (as above)
    from seqjobs.store.runs_folder import RunsFolder  # noqa: PLC0415 (as above)

    find_run(RunsFolder(runs_dir), first)
    return first, tuple(data)


def _is_run(runs_dir: Path, word: str) -> bool:
    from seqjobs.results.run_folders import list_runs  # noqa: PLC0415 (as above)
    from seqjobs.store.runs_folder import RunsFolder  # noqa: PLC0415 (as above)

    names = [store.name for store in list_runs(RunsFolder(runs_dir))]
    return (Path(word) / "run.json").is_file() or any(name.startswith(word) for name in names)


def _is_data(word: str) -> bool:
    path = Path(word)
    is_there = path.exists() and not (path / "run.json").is_file()
    return is_there or "://" in word or any(character in word for character in "*?[")
