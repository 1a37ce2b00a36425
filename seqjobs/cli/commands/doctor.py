"""seqjobs doctor: check what a run needs."""

from __future__ import annotations

import click

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.options import cluster_address, workers_option
from seqjobs.cli.views.formatting import counted
from seqjobs.doctor import examine
from seqjobs.errors.printable import printable


@click.command("doctor")
@click.option(
    "--address",
    callback=cluster_address,
    help="Ray cluster to check, for example HOST:6379. Default: a local one.",
)
@workers_option
def command(address: str | None, workers: int | None) -> None:
    """Check this machine, Ray and its workers.

    Starts Ray and one worker, which takes some seconds. Exits with 4 if a check fails.
    """
    num_failed = 0
    for finding in examine(address, workers):
        click.echo(f"{'ok' if finding.ok else 'BAD':<4} {printable(finding.name):<20} {printable(finding.value)}")
        if not finding.ok:
            num_failed += 1
            click.echo(f"     Fix: {printable(finding.hint)}")
    if num_failed:
        raise Leave(ExitCode.LOST, f"{counted(num_failed, 'check')} failed: fix this before you submit.")
