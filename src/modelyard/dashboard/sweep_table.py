"""The children of a sweep as a table that can be sorted by any column, and as a chart of a metric by a parameter."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from modelyard.core.parameters import Parameter, Value
from modelyard.core.run import Run
from modelyard.core.sweep import varied_parameters

from .charts import WIDE, Chart, Series, dot_chart, line_chart
from .words import in_words

METRIC_COLUMNS = 8
MAX_GROUPS = 24  # columns of dots that can still be told apart
MAX_LINES = 8


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is what `sort` in the address says; `down` when the table is sorted by it, greatest first."""

    key: str
    title: str
    sorted: bool = False
    down: bool = False


@dataclass(frozen=True, slots=True)
class SweepTable:
    """`children` in the order of the sweep, `rows` in the order asked for; `best` is the run id of each metric's."""

    parameters: list[str]
    metrics: list[str]
    columns: dict[str, Column]
    children: list[Run]
    rows: list[Run]


@dataclass(frozen=True, slots=True)
class View:
    """A chart of `metric` by the parameter `x`; empty names when there is nothing to draw."""

    x: str
    metric: str
    chart: Chart | None


def sweep_table(declared: Sequence[Parameter], children: Sequence[Run], sort: str) -> SweepTable:
    """`sort` is a column's key, with a leading "-" for greatest first; an unknown one keeps the sweep's order."""
    varied = varied_parameters(declared, [r.parameters for r in children])
    metrics = _common_metrics(children)
    keys = ["index", "state", "seconds", "cost", *(f"p.{n}" for n in varied), *(f"m.{n}" for n in metrics)]
    name, down = sort.removeprefix("-"), sort.startswith("-")
    titles = {"index": "Run", "state": "State", "seconds": "Duration", "cost": "Cost"}
    columns = {k: Column(k, titles.get(k, k[2:]), k == name, down) for k in keys}
    rows = list(children)
    if name in columns:
        read = _reader(name)
        known = [r for r in rows if read(r) is not None]
        missing = [r for r in rows if read(r) is None]
        rows = sorted(known, key=lambda r: _rank(read(r)), reverse=down) + missing
    return SweepTable(varied, metrics, columns, list(children), rows)


def metric_of(run: Run, key: str) -> float | None:
    return next((m.last for m in run.metrics if m.key == key), None)


def by_parameter(
    declared: Sequence[Parameter], children: Sequence[Run], table: SweepTable, x: str, metric: str
) -> View:
    """Means of the chosen metric: a line over a numeric parameter, else dots; a second parameter splits it."""
    if not table.parameters or not table.metrics:
        return View("", "", None)
    x = x if x in table.parameters else table.parameters[0]
    metric = metric if metric in table.metrics else table.metrics[0]
    split = _second(table, children, x)
    cells: dict[str, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for run in children:
        value = metric_of(run, metric)
        if value is not None and math.isfinite(value):
            group = f"{split} = {in_words(run.parameters.get(split), 30)}" if split else metric
            cells[group][_hashable(run.parameters.get(x))].append(value)
    kind = next((p.kind for p in declared if p.name == x), "string")
    title = f"{metric} by {x}"
    if kind in ("integer", "number"):
        series = [
            Series(name, sorted((float(v), fmean(found)) for v, found in row.items() if isinstance(v, (int, float))))
            for name, row in list(cells.items())[:MAX_LINES]
        ]
        return View(x, metric, line_chart(title, series, x, WIDE))
    groups = list(dict.fromkeys(_hashable(r.parameters.get(x)) for r in children))[:MAX_GROUPS]
    dots = [
        (name, [fmean(row[g]) if row.get(g) else None for g in groups]) for name, row in list(cells.items())[:MAX_LINES]
    ]
    return View(x, metric, dot_chart(title, [in_words(g, 40) for g in groups], dots, x))


def _second(table: SweepTable, children: Sequence[Run], x: str) -> str:
    """The other varied parameter with the fewest values, when few enough to be told apart."""
    counts = {n: len({repr(r.parameters.get(n)) for r in children}) for n in table.parameters if n != x}
    name = min(counts, key=lambda n: counts[n], default="")
    return name if name and counts[name] <= MAX_LINES else ""


def _common_metrics(children: Sequence[Run]) -> list[str]:
    """The metrics that most runs have, in order of their names' first appearance."""
    counts: dict[str, int] = defaultdict(int)
    for run in children:
        for m in run.metrics:
            counts[m.key] += 1
    return sorted(counts, key=lambda key: -counts[key])[:METRIC_COLUMNS]


def _reader(column: str) -> Callable[[Run], Value]:
    if column.startswith("p."):
        return lambda run: run.parameters.get(column[2:])
    if column.startswith("m."):
        return lambda run: metric_of(run, column[2:])
    simple: dict[str, Callable[[Run], Value]] = {
        "index": lambda run: run.sweep_index,
        "state": lambda run: run.state.value,
        "seconds": lambda run: run.seconds,
        "cost": lambda run: run.cost.amount,
    }
    return simple[column]


def _rank(value: Value) -> tuple[int, float, str]:
    """An order over values of any types: numbers before texts."""
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (1, 0.0, in_words(value))


def _hashable(value: Value) -> Any:
    return in_words(value) if isinstance(value, (list, dict)) else value
