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

WIDTH, HEIGHT = 480, 220
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
    path: str
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
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


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


def line_chart(title: str, series: Sequence[Series], x_name: str = "step") -> Chart:
    """Lines over a numeric axis. Series without any finite value are left out."""
    drawn = [s for s in series if any(_finite(p) for p in s.points)]
    seen = [p for s in drawn for p in s.points if _finite(p)]
    if not seen:
        return Chart(title, [], [], x_name=x_name)
    xs, ys = [x for x, _ in seen], [y for _, y in seen]
    y_values = nice_ticks(min(ys), max(ys))
    x_values = nice_ticks(min(xs), max(xs), 6) if min(xs) < max(xs) else [min(xs)]
    x_low, x_high = (min(xs), max(xs)) if min(xs) < max(xs) else (xs[0] - 1, xs[0] + 1)
    x_scale = Scale(x_low, x_high, LEFT + 6, WIDTH - RIGHT - 6)
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
    )


def bar_chart(
    title: str, groups: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], x_name: str = ""
) -> Chart:
    """Bars from zero: one group of bars per name of `groups`, one bar in it per series (None leaves a gap)."""
    values = [v for _, row in series for v in row if v is not None and math.isfinite(v)]
    if not groups or not values:
        return Chart(title, [], [], x_name=x_name)
    y_values = nice_ticks(min(0.0, *values), max(0.0, *values))
    y_scale = Scale(y_values[0], y_values[-1], HEIGHT - BOTTOM, TOP)
    step = (WIDTH - RIGHT - LEFT) / len(groups)
    wide = min(step * 0.72, 48.0 * len(series)) / len(series)
    bars = []
    for g, group in enumerate(groups):
        begin = LEFT + step * (g + 0.5) - wide * len(series) / 2
        for i, (name, row) in enumerate(series):
            value = row[g]
            if value is None or not math.isfinite(value):
                continue
            top, base = sorted((y_scale(value), y_scale(0)))
            label = f"{group}, {name}: {in_digits(value)}" if len(series) > 1 else f"{group}: {in_digits(value)}"
            bars.append(Bar(name, i % 8, round(begin + i * wide, 2), top, round(wide * 0.94, 2), base - top, label))
    every = math.ceil(len(groups) * 46 / (WIDTH - LEFT))  # as many labels as fit beside each other
    return Chart(
        title,
        [Tick(round(LEFT + step * (g + 0.5), 2), _short(n, 46)) for g, n in enumerate(groups) if g % every == 0],
        [Tick(y_scale(v), in_digits(v)) for v in y_values],
        bars=bars,
        legend=[name for name, _ in series] if len(series) > 1 else [],
        x_name=x_name,
        columns=[x_name, *(name for name, _ in series)],
        rows=[[group, *(in_digits(row[g]) for _, row in series)] for g, group in enumerate(groups)],
    )


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
