"""seqjobs init: draft a spec for existing data."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.cli.options import LocalPath
from seqjobs.drafting import draft_spec
from seqjobs.errors.printable import printable
from seqjobs.store.durable import create_once, remove_leftovers, replace, reported

_CSV_KEYS = ("delimiter", "decimal_point", "encoding")


@click.command("init")
@click.argument("data")
@click.option("--target", metavar="COLUMN", required=True, multiple=True, help="The column to predict.")
@click.option(
    "--validation",
    metavar="DATA",
    multiple=True,
    help="Rows to validate on. Default: a file or folder named `validation`, `valid`, `val` or `dev` next to DATA.",
)
@click.option("--delimiter", metavar="CHAR", help="What separates the values in CSV files. Default: a comma.")
@click.option("--decimal-point", metavar="CHAR", help="The decimal point of numbers in CSV files. Default: a dot.")
@click.option("--encoding", metavar="NAME", help="The encoding of CSV files: utf-8 (default), latin-1 or utf-16.")
@click.option(
    "--out", metavar="SPEC", type=LocalPath(dir_okay=False), help="Write to this file. Default: print the spec."
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(
    data: str, target: tuple[str, ...], validation: tuple[str, ...], out: Path | None, force: bool, **csv: str | None
) -> None:
    """Write a spec that trains on DATA: a file, folder or glob.

    Read some rows and propose operations, layers and a small search, with the reasons as comments. Rows in `test`
    next to DATA are left for `seqjobs evaluate`.
    """
    if len(target) > 1:
        fix = "store several numbers as one column of lists to predict them together."
        raise click.BadParameter(
            f"a spec has one target column, and {len(target)} are given; {fix}", param_hint="'--target'"
        )
    if len(validation) > 1:
        fix = "name a folder or a quoted glob that holds all files, or edit `data.validation` of the spec."
        raise click.BadParameter(
            f"one path is expected, and {len(validation)} are given; {fix}", param_hint="'--validation'"
        )
    if out is not None and out.exists() and not force:
        raise click.BadParameter(f"{printable(out)} exists; --force overwrites it.", param_hint="'--out'")
    path = out or Path("spec.yaml")
    form = {name: value for name in _CSV_KEYS if (value := csv[name]) is not None}
    text = draft_spec(data, target[0], validation=validation[0] if validation else None, csv=form, out=path)
    if out is None:
        click.echo(text, nl=False)
        return
    with reported("the spec cannot be written", out):
        remove_leftovers(out.parent)
        (replace if force else create_once)(out, text.encode())
    click.echo(f"wrote {printable(out)}; train with: seqjobs submit {printable(out)}", err=True)
