"""seqjobs validate: print every mistake in specs, without data, TensorFlow or Ray."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from seqjobs.cli.options import overrides_option, specs_argument
from seqjobs.errors.printable import printable
from seqjobs.jobspec.load import load_jobs
from seqjobs.planning.expansion import expand_jobs


@click.command("validate")
@specs_argument
@overrides_option
def command(specs: tuple[Path, ...], overrides: tuple[str, ...]) -> None:
    """Check specs and print every mistake in them.

    Reads no data. `seqjobs plan` also compares specs with the data that they name.
    """
    table = expand_jobs(load_jobs(specs, overrides))
    counts = Counter(trial.job for trial in table.trials)
    for job in table.jobs:
        trials = "1 trial" if counts[job.name] == 1 else f"{counts[job.name]:,} trials"
        click.echo(f"ok {printable(job.source.path)}: {job.name}, {trials}")
