"""The rows of a dataset as `plan --data` shows them: a line for each column, the classes, and warnings."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from seqjobs.cli.views.tables import Column, Table, print_table
from seqjobs.data.inspection.column_profile import ColumnProfile
from seqjobs.data.inspection.figures import DataFigures
from seqjobs.errors.percentages import shown_percent
from seqjobs.errors.printable import clipped, printable

MAX_COLUMNS = 100
MAX_CLASSES = 12
MAX_VALUE = 14


def print_figures(console: Console, figures: DataFigures) -> None:
    """Print a table of columns, a line of classes, and a line for each warning."""
    console.print()
    print_table(console, _table(figures))
    seen = "all" if figures.sampled_rows == figures.train_rows else f"{figures.sampled_rows:,} of"
    notes = [f"from {seen} {figures.train_rows:,} training rows; * is the target, - is not used"]
    hidden = len(figures.columns) - MAX_COLUMNS
    if hidden > 0:
        notes.append(f"and {hidden:,} more columns: -o json shows all")
    console.print(Text("; ".join(notes), style="dim"))
    if figures.classes:
        console.print(Text(f"classes: {_classes(figures)}"))
    for warning in figures.warnings:
        console.print(Text(f"warning: {printable(warning)}", style="yellow"))
    if not figures.warnings and figures.error is None:
        console.print(Text("nothing suspicious was found"))


def _classes(figures: DataFigures) -> str:
    """`late 61,930 (24%), fine 200,009 (76%)`"""
    total = sum(rows for _, rows in figures.classes)
    shares = [
        f"{clipped(printable(name), MAX_VALUE)}: {rows:,} ({shown_percent(rows / total)})"
        for name, rows in figures.classes[:MAX_CLASSES]
    ]
    return ", ".join([*shares, *(["..."] if len(figures.classes) > MAX_CLASSES else [])])


def figures_json(figures: DataFigures) -> dict[str, Any]:
    """`{"dataset", "rows", "sampled_rows", "columns", "classes", "warnings", "error"}`."""
    return {
        "dataset": figures.source.id,
        "rows": figures.train_rows,
        "sampled_rows": figures.sampled_rows,
        "columns": [_column_json(profile, figures) for profile in figures.columns],
        "classes": dict(figures.classes),
        "warnings": figures.warnings,
        "error": None if figures.error is None else str(figures.error),
    }


def _column_json(profile: ColumnProfile, figures: DataFigures) -> dict[str, Any]:
    numbers = profile.numbers
    return {
        "column": profile.name,
        "type": str(profile.type or profile.stored),
        "use": _use(profile, figures),
        "nulls": profile.nulls,
        "not_finite": profile.not_finite,
        "distinct": profile.distinct,
        "min": None if numbers is None else numbers.least,
        "mean": None if numbers is None else numbers.mean,
        "max": None if numbers is None else numbers.largest,
        "frequent": dict(profile.frequent),
    }


def _use(profile: ColumnProfile, figures: DataFigures) -> str:
    if profile.name == figures.source.spec.target:
        return "target"
    if profile.name == figures.source.spec.sample_weight:
        return "weight"
    return "feature" if profile.name in figures.used else "not used"


def _table(figures: DataFigures) -> Table:
    profiles = figures.columns[:MAX_COLUMNS]
    marks = {"target": "*", "not used": "-", "weight": "w"}
    names = tuple(f"{marks.get(_use(one, figures), ' ')} {printable(one.name)}" for one in profiles)
    distinct = tuple("" if one.distinct is None else f"{one.distinct:,}" for one in profiles)
    missing = tuple(f"{one.nulls + one.not_finite:,}" if one.nulls + one.not_finite else "" for one in profiles)
    return Table(
        columns=(
            Column(title="  column", cells=names),
            Column(title="type", cells=tuple(clipped(str(one.type or one.stored), MAX_VALUE) for one in profiles)),
            Column(title="missing", cells=missing, right=True),
            Column(title="distinct", cells=distinct, right=True, optional=True),
            Column(title="values", cells=tuple(map(_values, profiles))),
        )
    )


def _values(profile: ColumnProfile) -> str:
    """`0 to 255, mean 31.3`, `2013-01-01 to 2013-12-31`, or `UA 18%, B6 16%`."""
    if profile.numbers is not None and profile.kind != "bool":
        numbers = profile.numbers
        if numbers.least == numbers.largest:
            return f"always {numbers.least:.4g}"
        return f"{numbers.least:.4g} to {numbers.largest:.4g}, mean {numbers.mean:.4g}"
    if profile.times is not None:
        return f"{profile.times.first} to {profile.times.last}"
    if profile.text is not None and profile.text.mean_words >= 4:
        return f"texts of {profile.text.mean_words:.0f} words"
    shares = ((clipped(printable(value), MAX_VALUE), rows / profile.rows) for value, rows in profile.frequent[:3])
    return ", ".join(f"{value} {shown_percent(share)}" for value, share in shares)
