"""seqjobs doctor: is everything here that a run needs?"""

from __future__ import annotations

import click

from seqjobs.cli.exits import ExitCode, Leave
from seqjobs.cli.options import workers_option
from seqjobs.doctor import examine
from seqjobs.errors.printable import printable


@click.command("doctor")
@click.option("--address", help="The Ray cluster to look at, as ray://HOST:10001; left out, a local one.")
@workers_option
def command(address: str | None, workers: int | None) -> None:
    """Check this machine, Ray and its workers.

    Starts Ray and one worker, which takes some seconds; exits with 4 where something is wrong.
    """
    num_wrong = 0
    for finding in examine(address, workers):
        click.echo(f"{'ok' if finding.ok else 'BAD':<4} {printable(finding.name):<20} {printable(finding.value)}")
        if not finding.ok:
            num_wrong += 1
            click.echo(f"     {printable(finding.hint)}")
    if num_wrong:
        raise Leave(ExitCode.LOST, f"{num_wrong} of these will keep a run from working.")
