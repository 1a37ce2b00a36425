"""print_kept: how a kept cluster stands."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from seqjobs.cli.views.json_output import print_json
from seqjobs.cli.views.numbers import counted, shown_duration
from seqjobs.execution.kept.cluster import KeptStatus


def print_kept(status: KeptStatus, *, was_up: bool, output: str) -> None:
    """As a few lines, or as one JSON object."""
    if output == "json":
        print_json({"was_up": was_up, **asdict(status)})
        return
    for name, value in kept_lines(status, was_up=was_up):
        click.echo(f"{name:<8} {value}")


def kept_lines(status: KeptStatus, *, was_up: bool) -> list[tuple[str, str]]:
    """Names and values, in the order in which they are shown."""
    since = datetime.fromisoformat(status.since).astimezone()
    lent = sum(worker.run is not None for worker in status.workers)
    starting = sum(worker.pid is None for worker in status.workers)
    workers = [counted(len(status.workers), "worker")]
    workers += [f"{lent} at work"] if lent else []
    workers += [f"{starting} not ready yet"] if starting else []
    left = shown_duration(max(0.0, status.idle_seconds - status.unused_seconds))
    ends = "not while a run is at work" if status.runs else f"in {left} without a submit, or with `seqjobs down`"
    return [
        ("up", f"since {since:%Y-%m-%d %H:%M}" + (", before this command" if was_up else "")),
        ("address", status.address),
        ("process", str(status.pid)),
        ("workers", ", ".join(workers)),
        *((("runs", ", ".join(f"process {pid}" for pid in status.runs)),) if status.runs else ()),
        ("ends", ends),
    ]
