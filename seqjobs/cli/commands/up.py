"""seqjobs up: keep a cluster warm for the next submits."""

from __future__ import annotations

from datetime import datetime

import click

from seqjobs.cli.options import output_option
from seqjobs.cli.views.formatting import counted, shown_duration
from seqjobs.cli.views.json_output import json_value, print_json
from seqjobs.execution.kept import cluster


@click.command("up")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Start this many workers. Default: one for each CPU or GPU."
)
@click.option(
    "--idle",
    "idle_minutes",
    metavar="MINUTES",
    type=click.FloatRange(min=0, min_open=True),
    default=cluster.IDLE_SECONDS / 60,
    show_default=True,
    help="Shut down after this many minutes without a submit.",
)
@output_option("table", "json")
def command(*, workers: int | None, idle_minutes: float, output: str) -> None:
    """Start a local cluster that stays warm for the next submits.

    Submits without `--address` use it if they have the same user, versions and environment. `seqjobs down` ends it. If
    a cluster is up already, this command shows its status.
    """
    status, was_up = cluster.up(
        workers=workers, idle_seconds=idle_minutes * 60, notify=lambda text: click.echo(f"{text}.", err=True)
    )
    if output == "json":
        print_json({"was_up": was_up, **json_value(status)})
        return
    for name, value in _lines(status, was_up=was_up):
        click.echo(f"{name:<8} {value}")


def _lines(status: cluster.KeptStatus, *, was_up: bool) -> list[tuple[str, str]]:
    """Return names and values, in the order in which they are shown."""
    since = datetime.fromisoformat(status.since).astimezone()
    busy = sum(worker.run is not None for worker in status.workers)
    starting = sum(worker.pid is None for worker in status.workers)
    workers = [counted(len(status.workers), "worker")]
    workers += [f"{busy} busy"] if busy else []
    workers += [f"{starting} not ready yet"] if starting else []
    left = shown_duration(max(0.0, status.idle_seconds - status.unused_seconds))
    ends = "not while a run uses it" if status.runs else f"after {left} without a submit, or with `seqjobs down`"
    return [
        ("up", f"since {since:%Y-%m-%d %H:%M}" + (", before this command" if was_up else "")),
        ("address", status.address),
        ("process", str(status.pid)),
        ("workers", ", ".join(workers)),
        *((("runs", ", ".join(f"process {pid}" for pid in status.runs)),) if status.runs else ()),
        ("ends", ends),
    ]
