"""seqjobs down: ends the cluster that `seqjobs up` keeps."""

from __future__ import annotations

import click

from seqjobs.execution.kept import cluster


@click.command("down")
@click.option("--force", is_flag=True, help="Also while runs are at work on it: they are stopped, and can be resumed.")
def command(*, force: bool) -> None:
    """End the cluster that `up` keeps.

    Exits with 4, and changes nothing, while a run is at work on it.
    """
    if cluster.down(force=force):
        click.echo("the kept cluster has ended.", err=True)
    else:
        click.echo("no cluster is kept.", err=True)
