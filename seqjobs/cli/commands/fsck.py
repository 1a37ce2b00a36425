"""seqjobs fsck: check the files of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from seqjobs.cli.exits import ExitCode
from seqjobs.cli.options import output_option, run_argument, runs_dir_option
from seqjobs.cli.views.formatting import counted
from seqjobs.cli.views.json_output import print_json
from seqjobs.errors.printable import printable
from seqjobs.results.damage import Damage, Kind, find_damage
from seqjobs.results.repair import repair
from seqjobs.results.run_folders import find_run
from seqjobs.results.run_names import DAMAGED
from seqjobs.store.run_store import RunStore
from seqjobs.store.runs_folder import RunsFolder


@click.command("fsck")
@run_argument
@runs_dir_option
@click.option("--repair", "repairs", is_flag=True, help="Set damaged files aside; the next submit recreates them.")
@output_option("table", "json")
@click.pass_context
def command(ctx: click.Context, run: str | None, runs_dir: Path, repairs: bool, output: str) -> None:
    """Check the files of a run; with --repair, set damaged files aside.

    Compares every file with what was written, and names those that are damaged.

    Exit codes: 0 no file is damaged, or all damaged files were set aside; 1 a file is damaged.
    """
    store = find_run(RunsFolder(runs_dir), run)
    damages = repair(store) if repairs else find_damage(store)
    if output == "json":
        print_json({"run": store.name, "path": store.where(), "set_aside": repairs, "damaged": damages})
    else:
        for line in _lines(store, damages, set_aside=repairs):
            click.echo(printable(line))
    if damages and not repairs:
        ctx.exit(ExitCode.SOME_FAILED)


def _lines(store: RunStore, damages: Sequence[Damage], *, set_aside: bool) -> Iterator[str]:
    """Yield a line for each damaged file, and how to repair the run."""
    for damage in damages:
        yield f"{damage.path}: {damage.what}"
    if not damages:
        yield f"{store.name}: no file is damaged."
    elif set_aside:
        yield f"{counted(len(damages), 'file')} set aside in {store.where(DAMAGED)}."
        if all(damage.kind is Kind.TABLE for damage in damages):
            yield "The tables were written again from the log."
        else:
            yield f"Submit {store.name} again: {_cost(damages)}."
    elif any(damage.kind is Kind.PLAN for damage in damages):
        yield "nothing can replace run.json: restore it from a copy, or submit with another --run."
    else:
        command = f"seqjobs fsck {store.name} --repair"
        if all(damage.kind is Kind.TABLE for damage in damages):
            yield f"Fix: run `{command}`: it writes the tables again from the log."
        else:
            yield f"Fix: restore from a copy, or run `{command}` and submit again: {_cost(damages)}."


def _cost(damages: Sequence[Damage]) -> str:
    """Return what the next submit does about the damage."""
    if any(damage.kind is Kind.LOG for damage in damages):
        return "all trials train again"
    if any(damage.kind is Kind.SEGMENT for damage in damages):
        return "trials whose end was in the damaged part of the log train again"
    trials = {trial for damage in damages for trial in damage.trials}
    return f"{counted(len(trials), 'trial')} will train again" if trials else "the file is written again"
