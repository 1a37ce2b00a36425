"""seqjobs schema: print the JSON Schema of specs."""

from __future__ import annotations

import json

import click

from seqjobs.jobspec.schema import json_schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of specs, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))
