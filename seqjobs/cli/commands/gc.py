"""seqjobs gc: remove the runs that meet conditions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from seqjobs.cli.options import output_option, quantity, runs_dir_option
from seqjobs.cli.views.removals import print_removals
from seqjobs.jobspec.quantities import parse_bytes, parse_seconds
from seqjobs.results.removal_rule import RemovalRule
from seqjobs.results.run_removal import RunOutcome, remove_by_rule
from seqjobs.store.runs_folder import RunsFolder


@click.command("gc")
@runs_dir_option
@click.option("--keep-last", metavar="N", type=click.IntRange(min=0), help="Keep the newest N runs.")
@click.option(
    "--older-than",
    metavar="AGE",
    callback=quantity(parse_seconds),
    help="Remove only runs that were created longer ago than this, for example 30d.",
)
@click.option(
    "--larger-than",
    metavar="SIZE",
    callback=quantity(parse_bytes),
    help="Remove only runs whose files take more than this in total, for example 10GiB.",
)
@click.option("--unfinished", is_flag=True, help="Remove unfinished runs too, which a submit could resume.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@output_option("table", "json")
def command(
    *,
    runs_dir: Path,
    keep_last: int | None,
    older_than: float | None,
    larger_than: int | None,
    unfinished: bool,
    dry_run: bool,
    output: str,
) -> None:
    """Remove the runs that meet all given conditions.

    Needs at least one of --keep-last, --older-than and --larger-than. Runs in use are never removed. Unfinished runs
    are left unless --unfinished is given. Runs that cannot be read, and folders with links or with files that seqjobs
    did not write, are left too.
    """
    if keep_last is None and older_than is None and larger_than is None:
        raise click.UsageError("gc needs a condition: --keep-last N, --older-than AGE or --larger-than SIZE.")
    age = None if older_than is None else timedelta(seconds=older_than)
    rule = RemovalRule(keep_last=keep_last, older_than=age, larger_than=larger_than, unfinished=unfinished)
    outcomes: list[RunOutcome] = []
    try:
        for outcome in remove_by_rule(RunsFolder(runs_dir), rule, now=datetime.now(UTC), dry_run=dry_run):
            outcomes.append(outcome)
    except BaseException:
        if outcomes:  # these are gone, whatever has happened to the next one
            print_removals(outcomes, output, dry_run=dry_run)
        raise
    print_removals(outcomes, output, dry_run=dry_run)
