"""seqjobs up: a cluster that is kept warm for the next submits."""

from __future__ import annotations

import click

from seqjobs.cli.options import output_option
from seqjobs.cli.views.kept_view import print_kept
from seqjobs.execution.kept import cluster


@click.command("up")
@click.option(
    "--workers", type=click.IntRange(min=1), help="The workers to keep warm; left out, one for each CPU or GPU."
)
@click.option(
    "--idle",
    "idle_minutes",
    metavar="MINUTES",
    type=click.FloatRange(min=0, min_open=True),
    default=cluster.IDLE_SECONDS / 60,
    show_default=True,
    help="Without a submit for so long, the cluster ends by itself.",
)
@output_option("table", "json")
def command(*, workers: int | None, idle_minutes: float, output: str) -> None:
    """Keep a local cluster warm for the next submits.

    Submits of the same user without `--address` use it as long as it has the same seqjobs, libraries and environment;
    `seqjobs down` ends it. Where one is up already, shows how it stands.
    """
    status, was_up = cluster.up(
        workers=workers, idle_seconds=idle_minutes * 60, notify=lambda text: click.echo(f"{text}.", err=True)
    )
    print_kept(status, was_up=was_up, output=output)
