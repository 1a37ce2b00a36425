"""seqjobs fsck: whether a run's folder is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.exits import ExitCode
from seqjobs.cli.options import output_option, run_argument, runs_dir_option
from seqjobs.cli.views.damage_view import print_damage
from seqjobs.cli.views.json_output import damage_json, print_json
from seqjobs.planning.run_paths import RunPaths
from seqjobs.results.damage import find_damage
from seqjobs.results.repair import repair
from seqjobs.results.run_folders import find_run


@click.command("fsck")
@run_argument
@runs_dir_option
@click.option("--repair", "mend", is_flag=True, help="Set aside what is damaged; the next submit makes it again.")
@output_option("table", "json")
@click.pass_context
def command(ctx: click.Context, run: str | None, runs_dir: Path, mend: bool, output: str) -> None:
    """Check a run's files; with --repair, set aside what is damaged.

    Every file is compared with what was written, and what is damaged is named.

    Exit code 0: nothing is, or it was set aside. 1: something is damaged.
    """
    paths = RunPaths(root=find_run(runs_dir, run))
    found = repair(paths) if mend else find_damage(paths)
    if output == "json":
        print_json(damage_json(paths.root, found, set_aside=mend))
    else:
        print_damage(paths.root, found, set_aside=mend)
    if found and not mend:
        ctx.exit(ExitCode.SOME_FAILED)
