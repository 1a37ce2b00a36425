"""What `seqjobs gc` has removed, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from seqjobs.cli.views.formatting import counted
from seqjobs.cli.views.json_output import print_json
from seqjobs.cli.views.tables import Column, Table, print_table, results_console
from seqjobs.errors.printable import printable
from seqjobs.errors.sizes import shown_bytes
from seqjobs.results.removal_rule import WhyLeft
from seqjobs.results.run_removal import RunOutcome


def print_removals(outcomes: Sequence[RunOutcome], output: str, *, dry_run: bool) -> None:
    """Print the runs that meet the conditions, what became of each, and the total; or one JSON object."""
    removed = [outcome for outcome in outcomes if outcome.why_left is None]
    num_bytes = sum(outcome.num_bytes for outcome in removed)
    if output == "json":
        left = [{**_json(outcome), "reason": outcome.why_left} for outcome in outcomes if outcome.why_left]
        runs = [_json(outcome) for outcome in removed]
        print_json({"dry_run": dry_run, "removed": runs, "bytes": num_bytes, "left": left})
        return
    if outcomes:
        print_table(results_console(), _table(outcomes, dry_run=dry_run))
    verb = "would remove" if dry_run else "removed"
    click.echo(f"{verb} {counted(len(removed), 'run')}, {shown_bytes(num_bytes)}")
    unfinished = sum(outcome.why_left is WhyLeft.UNFINISHED for outcome in outcomes)
    if unfinished:
        click.echo(f"left {counted(unfinished, 'unfinished run')}; --unfinished removes them too.", err=True)


def _json(outcome: RunOutcome) -> dict[str, object]:
    run = outcome.run
    created = None if run.created is None else run.created.isoformat()
    return {"run": run.store.name, "path": run.store.where(), "created": created, "bytes": outcome.num_bytes}


def _table(outcomes: Sequence[RunOutcome], *, dry_run: bool) -> Table:
    """Return a row for each run."""
    removed = "would be removed" if dry_run else "removed"
    results = (f"left: {outcome.why_left}" if outcome.why_left else removed for outcome in outcomes)
    created = (outcome.run.created for outcome in outcomes)
    return Table(
        columns=(
            Column(title="run", cells=tuple(printable(outcome.run.store.name) for outcome in outcomes), whole=True),
            Column(title="result", cells=tuple(results), whole=True),
            Column(title="size", cells=tuple(shown_bytes(outcome.num_bytes) for outcome in outcomes), right=True),
            Column(
                title="created (UTC)",
                cells=tuple("" if time is None else f"{time:%Y-%m-%d %H:%M}" for time in created),
                optional=True,
            ),
        )
    )
