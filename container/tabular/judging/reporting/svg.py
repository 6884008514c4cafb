"""Small plots as SVG, for a report in one file, because the image has no plotting library."""

import math
from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

__all__ = ["Series", "bars", "chart", "histogram"]

WIDTH, HEIGHT = 300, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 42
BLUE, GREY, ORANGE = "#2b6cb0", "#9aa5b1", "#dd6b20"


class Series(NamedTuple):
    """Points of one colour, drawn as a line, as dots, or as both."""

    points: Sequence[tuple[float, float]]
    kind: Literal["line", "dots", "both"] = "line"
    color: str = BLUE
    dashed: bool = False


def chart(series: Sequence[Series], across: str, up: str, unit_square: bool = False) -> str:
    """Series over two labelled axes; with `unit_square`, both axes go from 0 to 1."""
    xs, ys = ([point[axis] for one in series for point in one.points] for axis in (0, 1))
    x_ticks, y_ticks = (_ticks(0.0, 1.0) if unit_square else _ticks(min(v), max(v)) for v in (xs, ys))

    def place(x: float, y: float) -> tuple[float, float]:
        along = (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        above = (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return (
            round(LEFT + along * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - above * (HEIGHT - TOP - BOTTOM), 1),
        )

    parts = []
    for tick in x_ticks:
        x, y = place(tick, y_ticks[0])
        parts.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{_number(tick)}</text>')
    for tick in y_ticks:
        x, y = place(x_ticks[0], tick)
        parts.append(f'<line class="grid" x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{x - 5}" y="{y + 3.5}" text-anchor="end">{_number(tick)}</text>')
    for one in series:
        placed = [place(*point) for point in one.points]
        if one.kind != "dots":
            line = " ".join(f"{x},{y}" for x, y in placed)
            dash = ' stroke-dasharray="4 3"' if one.dashed else ""
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{one.color}" stroke-width="1.6"{dash}/>'
            )
        if one.kind != "line":
            parts += [
                f'<circle cx="{x}" cy="{y}" r="2.6" fill="{one.color}" fill-opacity="0.6"/>'
                for x, y in placed
            ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>')
    height = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text transform="translate(12 {height}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    )
    return _svg(WIDTH, HEIGHT, parts)


def bars(rows: Sequence[tuple[str, float, float, float]], across: str) -> str:
    """A dot for each named value with its interval: (name, value, low, high), the first row on top."""
    line, names, width = 20, 170, 560
    height = line * len(rows) + 40
    ticks = _ticks(min(0.0, *(row[2] for row in rows)), max(0.0, *(row[3] for row in rows)))
    if min(row[2] for row in rows) > 0.4 * max(row[3] for row in rows):  # far from zero: zoom in
        ticks = _ticks(min(row[2] for row in rows), max(row[3] for row in rows))

    def place(x: float) -> float:
        return round(names + (x - ticks[0]) / (ticks[-1] - ticks[0]) * (width - names - 16), 1)

    parts = []
    for tick in ticks:
        parts.append(
            f'<line class="grid" x1="{place(tick)}" y1="4" x2="{place(tick)}" y2="{height - 34}"/>'
            f'<text x="{place(tick)}" y="{height - 21}" text-anchor="middle">{_number(tick)}</text>'
        )
    for index, (name, value, low, high) in enumerate(rows):
        y = line * index + line / 2 + 4
        shown = name if len(name) <= 26 else name[:25] + "…"
        parts.append(
            f'<text x="{names - 8}" y="{y + 3.5}" text-anchor="end">{escape(shown)}'
            f"<title>{escape(name)}: {value:.4g}</title></text>"
            f'<line x1="{place(low)}" y1="{y}" x2="{place(high)}" y2="{y}" stroke="{GREY}" stroke-width="3"/>'
            f'<circle cx="{place(value)}" cy="{y}" r="4" fill="{BLUE}"/>'
        )
    middle = (names + width) / 2
    parts.append(f'<text x="{middle}" y="{height - 5}" text-anchor="middle">{escape(across)}</text>')
    return _svg(width, height, parts)


def histogram(bins: Sequence[tuple[str, float, float]], first: str, second: str) -> str:
    """Two bars for each bin, (name, share, share), side by side; the legend names both."""
    width, bottom, names = max(WIDTH, LEFT + RIGHT + 34 * len(bins)), 118, 62
    top = _ticks(0.0, max(max(one[1:]) for one in bins))
    step = (width - LEFT - RIGHT) / len(bins)
    parts = []
    for tick in top:
        y = round(bottom - tick / top[-1] * (bottom - TOP), 1)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{width - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y + 3.5}" text-anchor="end">{_number(tick)}</text>')
    for index, (name, *shares) in enumerate(bins):
        x = LEFT + index * step
        for place, (share, color) in enumerate(zip(shares, (GREY, BLUE), strict=True)):
            height = round(share / top[-1] * (bottom - TOP), 1)
            parts.append(
                f'<rect x="{x + step * (0.12 + 0.38 * place):.1f}" y="{bottom - height:.1f}" '
                f'width="{0.36 * step:.1f}" height="{height}" fill="{color}">'
                f"<title>{escape(name)}: {share:.1%} in the {(first, second)[place]}</title></rect>"
            )
        shown = name if len(name) <= 12 else name[:11] + "…"
        middle = round(x + step / 2, 1)
        parts.append(
            f'<text transform="translate({middle + 3} {bottom + 8}) rotate(-45)" text-anchor="end">'
            f"{escape(shown)}</text>"
        )
    for place, (name, color) in enumerate(((first, GREY), (second, BLUE))):
        x = LEFT + place * 110
        parts.append(f'<rect x="{x}" y="{bottom + names}" width="10" height="10" fill="{color}"/>')
        parts.append(f'<text x="{x + 14}" y="{bottom + names + 9}">{escape(name)}</text>')
    return _svg(width, bottom + names + 16, parts)


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">{"".join(parts)}</svg>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to seven round numbers that span a range."""
    if high <= low:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) > 1e-12 else "0"
