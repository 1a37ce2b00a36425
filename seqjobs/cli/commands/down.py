"""seqjobs down: end the warm cluster."""

from __future__ import annotations

import click

from seqjobs.execution.kept import cluster


@click.command("down")
@click.option("--force", is_flag=True, help="Stop runs that use the cluster, too; they can be resumed.")
def command(*, force: bool) -> None:
    """End the warm cluster of `up`.

    Exits with 4, and changes nothing, if a run uses the cluster.
    """
    if cluster.down(force=force):
        click.echo("the warm cluster has ended.", err=True)
    else:
        click.echo("there is no warm cluster.", err=True)
