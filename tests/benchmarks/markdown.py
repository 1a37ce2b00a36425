"""Markdown: tables, and numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def seconds(value: float) -> str:
    """With three digits, in the unit that fits: 1.23 s, 45.6 ms, 789 µs."""
    if value >= 1:
        return f"{_digits(value)} s"
    if value >= 1e-3:
        return f"{_digits(value * 1e3)} ms"
    return f"{_digits(value * 1e6)} µs"


def times(value: float, *, unlike: float | None = None) -> str:
    """A ratio: 1.2, 34, 1,234; with a digit more where it would read as another that it is not."""
    digits = 1 if value < 10 else 0
    alike = unlike is not None and value != unlike and round(value, digits) == round(unlike, digits)
    return f"{value:,.{digits + alike}f}"


def relative(value: float) -> str:
    """A relative difference: 0, 3e-07."""
    return f"{value:.0e}" if value else "0"


def spread(values: Sequence[float]) -> str:
    """The least and the greatest."""
    return "-" if len(values) < 2 else f"{seconds(min(values))} to {seconds(max(values))}"


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
