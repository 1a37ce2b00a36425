"""seqjobs evaluate: the loss and metrics of a trial on labelled rows."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import (
    address_option,
    output_option,
    print_warning,
    run_and_data,
    run_and_data_argument,
    runs_dir_option,
    trial_option,
)
from seqjobs.cli.views.json_output import print_json
from seqjobs.errors.printable import printable
from seqjobs.evaluate import evaluate_rows
from seqjobs.predict import workers_for
from seqjobs.results.run import Run
from seqjobs.results.run_folders import find_run, find_trial
from seqjobs.store.runs_folder import RunsFolder


@click.command("evaluate")
@run_and_data_argument
@runs_dir_option
@trial_option
@output_option("text", "json")
@address_option
def command(words: tuple[str, ...], runs_dir: Path, trial: str | None, output: str, address: str | None) -> None:
    """Print the loss and metrics of a trial's model on labelled rows.

    DATA has the form of `data.train`: files, folders, globs, s3://... If the spec has `data.sample_weight`, rows are
    weighted by that column.
    """
    run, data = run_and_data(runs_dir, words)
    found = Run.open(find_run(RunsFolder(runs_dir), run))
    asked = find_trial(found, trial)
    metrics = evaluate_rows(found, asked, data, workers_for(address, print_warning))
    if output == "json":
        print_json({"run": found.id, "trial": asked.id, "metrics": dict(metrics)})
    else:
        for name, value in metrics.items():
            click.echo(f"{printable(name)} {value:.6g}")
