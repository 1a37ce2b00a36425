"""seqjobs init: a spec for data that is there."""

from __future__ import annotations

from pathlib import Path

import click

from seqjobs.drafting import drafted_spec
from seqjobs.errors.printable import printable
from seqjobs.storage.durable import create_once, replace, reported


@click.command("init")
@click.argument("data")
@click.option("--target", metavar="COLUMN", required=True, help="The column to predict.")
@click.option("--validation", metavar="DATA", help="Rows to validate on; left out, what lies beside the data.")
@click.option("--out", metavar="SPEC", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def command(data: str, target: str, validation: str | None, out: Path | None, force: bool) -> None:
    """Write a spec that trains on DATA: a file, folder or glob.

    Looks at some rows and proposes operations, layers and a small search, with the reasons as comments.
    """
    if out is not None and out.exists() and not force:
        raise click.BadParameter(f"{printable(out)} is there; --force writes over it.", param_hint="'--out'")
    text = drafted_spec(data, target, validation=validation, out=out or Path("spec.yaml"))
    if out is None:
        click.echo(text, nl=False)
        return
    with reported("the spec cannot be written", out):
        (replace if force else create_once)(out, text.encode())
    click.echo(f"wrote {printable(out)}; train with: seqjobs submit {printable(out)}", err=True)
