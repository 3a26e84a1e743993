"""Charts as values: numbers in, coordinates out. `templates/_chart.html` draws them as SVG, without any script.

Sizes are in the units of the SVG's view box. Axes have ticks at 1, 2 or 5 times a power of ten. What can't be drawn
(a metric that became NaN) leaves a gap in its line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from .words import in_digits

T = TypeVar("T")

WIDTH, WIDE, HEIGHT = 480, 720, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 12, 30  # room for the axes' labels
DOTS = 120  # dots of one line that carry a value to point at


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: its points in order of x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point that can be pointed at; `label` says its value in words."""

    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    color: int
    path: str  # empty where a line between the points would mean nothing
    dots: list[Dot]


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    color: int
    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and the same numbers as a table (`columns`, `rows`) for who can't see it."""

    title: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    legend: list[str] = field(default_factory=list)
    x_name: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM

    @property
    def right(self) -> int:
        return self.width - RIGHT


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low..high` to `start..end` in a straight line."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values that enclose `low..high`, at steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        spread = abs(low) * 0.1 or 1.0
        low, high = low - spread, high + spread
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 5, 10) if rough <= m * power * 1.0000001), 10 * power)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def line_chart(title: str, series: Sequence[Series], x_name: str = "step", width: int = WIDTH) -> Chart:
    """Lines over a numeric axis. Series without any finite value are left out."""
    drawn = [s for s in series if any(_finite(p) for p in s.points)]
    seen = [p for s in drawn for p in s.points if _finite(p)]
    if not seen:
        return Chart(title, [], [], x_name=x_name)
    xs, ys = [x for x, _ in seen], [y for _, y in seen]
    y_values = nice_ticks(min(ys), max(ys))
    x_values = nice_ticks(min(xs), max(xs), 6) if min(xs) < max(xs) else [min(xs)]
    x_low, x_high = (min(xs), max(xs)) if min(xs) < max(xs) else (xs[0] - 1, xs[0] + 1)
    x_scale = Scale(x_low, x_high, LEFT + 6, width - RIGHT - 6)
    y_scale = Scale(y_values[0], y_values[-1], HEIGHT - BOTTOM, TOP)
    lines = [
        Line(s.name, i % 8, _path(s.points, x_scale, y_scale), _dots(s, x_scale, y_scale, x_name))
        for i, s in enumerate(drawn)
    ]
    return Chart(
        title,
        [Tick(x_scale(v), in_digits(v)) for v in x_values if x_low <= v <= x_high],
        [Tick(y_scale(v), in_digits(v)) for v in y_values],
        lines=lines,
        legend=[s.name for s in drawn],
        x_name=x_name,
        columns=[x_name, *(s.name for s in drawn)],
        rows=_table(drawn),
        width=width,
    )


def dot_chart(
    title: str, groups: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], x_name: str
) -> Chart:
    """One column per name of `groups`, one dot in it per series. The axis need not begin at zero, as bars' must."""
    values = [v for _, row in series for v in row if v is not None and math.isfinite(v)]
    if not groups or not values:
        return Chart(title, [], [], x_name=x_name)
    y_values = nice_ticks(min(values), max(values))
    y_scale = Scale(y_values[0], y_values[-1], HEIGHT - BOTTOM, TOP)
    step = (WIDE - RIGHT - LEFT) / len(groups)
    apart = min(18.0, step * 0.8 / len(series))
    lines = []
    for i, (name, row) in enumerate(series):
        aside = (i - (len(series) - 1) / 2) * apart
        dots = [
            Dot(round(LEFT + step * (g + 0.5) + aside, 2), y_scale(value), f"{groups[g]}, {name}: {in_digits(value)}")
            for g, value in enumerate(row)
            if value is not None and math.isfinite(value)
        ]
        lines.append(Line(name, i % 8, "", dots))
    return Chart(
        title,
        _group_ticks(groups, step, WIDE),
        [Tick(y_scale(v), in_digits(v)) for v in y_values],
        lines=lines,
        legend=[name for name, _ in series],
        x_name=x_name,
        columns=[x_name, *(name for name, _ in series)],
        rows=_group_rows(groups, series),
        width=WIDE,
    )


def bar_chart(title: str, groups: Sequence[str], values: Sequence[float], x_name: str, y_name: str) -> Chart:
    """One bar from zero per name of `groups`."""
    if not groups or not any(values):
        return Chart(title, [], [], x_name=x_name)
    y_values = nice_ticks(min(0.0, *values), max(0.0, *values))
    y_scale = Scale(y_values[0], y_values[-1], HEIGHT - BOTTOM, TOP)
    step = (WIDE - RIGHT - LEFT) / len(groups)
    wide = min(step * 0.72, 48.0)
    bars = []
    for g, (group, value) in enumerate(zip(groups, values, strict=True)):
        top, base = sorted((y_scale(value), y_scale(0)))
        left = round(LEFT + step * (g + 0.5) - wide / 2, 2)
        bars.append(Bar(y_name, 0, left, top, round(wide, 2), round(base - top, 2), f"{group}: {in_digits(value)}"))
    return Chart(
        title,
        _group_ticks(groups, step, WIDE),
        [Tick(y_scale(v), in_digits(v)) for v in y_values],
        bars=bars,
        x_name=x_name,
        columns=[x_name, y_name],
        rows=_group_rows(groups, [(y_name, values)]),
        width=WIDE,
    )


def _group_ticks(groups: Sequence[str], step: float, width: int) -> list[Tick]:
    """As many names as fit beside each other."""
    every = math.ceil(len(groups) * 46 / (width - LEFT))
    room = max(step, 46.0)
    return [Tick(round(LEFT + step * (g + 0.5), 2), _short(n, room)) for g, n in enumerate(groups) if g % every == 0]


def _group_rows(groups: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> list[list[str]]:
    return [[group, *(in_digits(row[g]) for _, row in series)] for g, group in enumerate(groups)]


def _finite(point: tuple[float, float]) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _path(points: Iterable[tuple[float, float]], x_scale: Scale, y_scale: Scale) -> str:
    parts: list[str] = []
    pen_down = False
    for point in points:
        if not _finite(point):
            pen_down = False
            continue
        parts.append(f"{'L' if pen_down else 'M'}{x_scale(point[0]):g} {y_scale(point[1]):g}")
        pen_down = True
    return "".join(parts)


def _dots(series: Series, x_scale: Scale, y_scale: Scale, x_name: str) -> list[Dot]:
    chosen = thinned([p for p in series.points if _finite(p)], DOTS)
    return [Dot(x_scale(x), y_scale(y), f"{series.name} at {x_name} {in_digits(x)}: {in_digits(y)}") for x, y in chosen]


def _table(series: Sequence[Series]) -> list[list[str]]:
    by_x = [dict(s.points) for s in series]
    xs = sorted({x for column in by_x for x in column if math.isfinite(x)})
    return [[in_digits(x), *(in_digits(column.get(x)) for column in by_x)] for x in thinned(xs, 50)]


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, evenly spread, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _short(text: str, room: float) -> str:
    most = max(3, int(room / 6))
    return text if len(text) <= most else text[: most - 1] + "…"
