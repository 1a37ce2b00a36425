"""seqjobs explain: the page of an error code."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from shutil import get_terminal_size
from textwrap import fill, indent

import click

from seqjobs.errors.codes import CODES, GROUPS, ErrorCode, ExampleForm
from seqjobs.errors.printable import printable

_MAX_WIDTH = 88


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error code: what it means and how to fix it.

    CODE is in brackets at the end of a message, for example E302. Without CODE, list all codes.
    """
    if code is None:
        click.echo("\n".join(_listed()))
        return
    click.echo("\n".join(_page(_known(code))))


def _known(code: str) -> ErrorCode:
    """Return the page of `E403`, `e403` or `403`. Raises UsageError with the nearest codes."""
    number = code.strip("[]").upper().removeprefix("E")
    if page := CODES.get(f"E{number}"):
        return page
    near = get_close_matches(f"E{number}", CODES, n=3, cutoff=0.5)
    hint = f" The nearest are {', '.join(sorted(near))}." if near else ""
    raise click.UsageError(f"there is no error code '{printable(code)}'.{hint} `seqjobs explain` lists all codes.")


def _listed() -> Iterator[str]:
    for group, pages in GROUPS.items():
        yield f"{group}:"
        yield from (f"  {page.code}  {page.title}" for page in pages)


def _page(page: ErrorCode) -> Iterator[str]:
    width = min(_MAX_WIDTH, get_terminal_size().columns)
    yield fill(f"{page.code}: {page.title}", width)
    yield ""
    yield fill(page.meaning, width)
    yield ""
    where = "" if page.form is ExampleForm.SITUATION else ", in a spec"
    yield f"Example{where}:"
    yield indent(page.example.rstrip("\n"), "    ")
    yield ""
    yield fill(f"Fix: {page.fix}", width)
