"""A picture of the time of a trial by places of a pack: a line a model, as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tests.benchmarks.markdown import seconds
from tests.benchmarks.results import PackSizes

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 50
LINE = 15
COLOURS = ("#1b6ca8", "#d1495b", "#2e8b57", "#a66f00", "#6a4c93")


def pack_sizes_picture(found: Sequence[PackSizes]) -> str:
    """Both axes are logarithmic, so that what halves falls alike everywhere."""
    most_places = max(size for one in found for size in one.places)
    times = [value for one in found for value in one.step_seconds]
    low, high = 10 ** math.floor(math.log10(min(times))), 10 ** math.ceil(math.log10(max(times)))
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(places: int) -> float:
        return LEFT + plot_width * math.log(places) / max(math.log(most_places), 1e-9)

    def down(value: float) -> float:
        return TOP + plot_height * math.log(high / value) / math.log(high / low)

    def lines() -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
        )
        yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        yield f'<text x="{LEFT}" y="22" font-size="14">time of a trial and step, one core</text>'
        for exponent in range(round(math.log10(low)), round(math.log10(high)) + 1):
            height = down(10.0**exponent)
            yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" stroke="#ddd"/>'
            yield f'<text x="{LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{seconds(10.0**exponent)}</text>'
        for places in sorted({size for one in found for size in one.places}):
            label = "alone" if places == 1 else str(places)
            yield f'<text x="{across(places):.1f}" y="{HEIGHT - 28}" text-anchor="middle">{label}</text>'
        middle = LEFT + plot_width / 2
        yield f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">trials that train together</text>'
        heights = _apart([down(one.step_seconds[-1]) for one in found])
        for one, colour, height in zip(found, COLOURS, heights, strict=False):
            points = [(across(n), down(t)) for n, t in zip(one.places, one.step_seconds, strict=True)]
            yield from _line(one, colour, points, height)
        yield "</svg>"

    return "\n".join(lines()) + "\n"


def _apart(heights: Sequence[float]) -> list[float]:
    """Where labels stand that would like to be at these heights: a line of text below one another at least."""
    found, lowest = list(heights), -math.inf
    for index in sorted(range(len(heights)), key=lambda index: heights[index]):
        found[index] = lowest = max(heights[index], lowest + LINE)
    return found


def _line(one: PackSizes, colour: str, points: Sequence[tuple[float, float]], label_height: float) -> Iterator[str]:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points)
    label = f"{one.model}, batch {one.batch_size}"
    yield f'<text x="{points[-1][0] + 10:.1f}" y="{label_height + 4:.1f}" fill="{colour}">{label}</text>'
