"""The page in docs/models: ranks, changes of the loss and their intervals."""

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tabular.learning.pipeline import FEW_LEVELS

from bench.quality.peers import DEFAULTS, ENCODED, SEARCHES
from bench.quality.results import Interval, Key, Store, change, mean_ranks
from bench.quality.tables import TABLES, named, split_of
from bench.quality.ways import PACKED, TODAY

__all__ = ["PAGE", "write_report"]

PAGE = Path("docs/models/search-quality.md")
Lines = Iterable[Mapping[str, Any]]
MARK = "<!-- from here on printed by `make bench-quality ARGS=report` -->"


def write_report(store: Store) -> None:
    """Replace what stands below the mark in the page."""
    above = PAGE.read_text().partition(MARK)[0] if PAGE.exists() else ""
    below = "\n".join(_lines(store))
    PAGE.write_text(f"{above}{MARK}\n\n{below}\n")


def _lines(store: Store) -> Iterable[str]:
    losses: dict[str, dict[Key, float]] = {}
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for line in store:
        if line["table"] in named("judge") and "loss" in line:
            losses.setdefault(line["way"], {})[line["table"], line["seed"]] = line["loss"]
            rows.setdefault(line["way"], []).append(line)
    days = sorted({line["day"] for line in store})
    yield (
        f"{days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}, {os.cpu_count()} cores shared with other "
        f"work, {platform.system()} {platform.machine()}, Python {platform.python_version()}; one thread, "
        "budgets and times are CPU seconds."
    )
    yield from ("", "### Against the others", "")
    yield from _contest(losses, rows)
    yield from ("", "### What each part is worth", "")
    yield from _parts(losses, rows)
    yield from ("", "### Categories", "")
    yield from _categories(losses)
    yield from ("", "### The tables", "")
    yield from _tables()
    yield from ("", "### Losses", "")
    failed = {(line["way"], (line["table"], line["seed"])) for line in store if "failed" in line}
    yield from _losses(losses, failed)


def _contest(losses: Mapping[str, Mapping[Key, float]], rows: Mapping[str, Any]) -> Iterable[str]:
    contestants = [way for way in (*CONTEST, *SEARCHES, *DEFAULTS) if way in losses]
    ranks, leads, splits = mean_ranks({way: losses[way] for way in contestants}, PACKED)
    tables = len({table for table, _ in splits})
    yield "Mean rank, 1 is best, and medians of CPU seconds, bytes and the time of one row over the"
    yield f"{len(splits)} splits of {tables} tables that all of these ways have. Each change of the loss is"
    yield "the median over all splits that both ways have."
    yield ""
    yield f"| way | mean rank (95 %) | against `{TODAY}` (95 %) | better in | CPU s | kB | one row, us |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    known = {way: [one for one in rows[way] if (one["table"], one["seed"]) in splits] for way in contestants}
    for way in sorted(ranks, key=lambda one: ranks[one].value):
        size, time = (_median(known[way], name) for name in ("bytes", "microseconds"))
        cells = (
            "{:.2f} ({:.2f} to {:.2f})".format(*ranks[way]),
            *_changed(losses[way], losses[TODAY]),
            f"{_median(known[way], 'cpu'):.1f}",
            "" if size is None else f"{size / 1000:,.0f}",
            "" if time is None else f"{time:,.0f}",
        )
        yield f"| {way} | {' | '.join(cells)} |"
    yield from (
        "",
        f"`{PACKED}` against each of them: how much lower its mean rank is, the change of the loss, and how",
        "many times as much it takes, as the median over the splits.",
        "",
        "| against | rank lower by (95 %) | change of the loss (95 %) | better in | CPU (95 %) "
        "| bytes (95 %) | one row (95 %) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )
    for way in sorted(leads, key=lambda one: ranks[one].value):
        if way != PACKED:
            times = (_times(rows[PACKED], rows[way], name) for name in ("cpu", "bytes", "microseconds"))
            lead = "{:.2f} ({:.2f} to {:.2f})".format(*leads[way])
            cells = (lead, *_changed(losses[PACKED], losses[way]), *map(_ratio, times))
            yield f"| {way} | {' | '.join(cells)} |"


CONTEST = (TODAY, PACKED)


def _parts(losses: Mapping[str, Mapping[Key, float]], rows: Mapping[str, Any]) -> Iterable[str]:
    yield "Each with the trials of the same number, and CPU seconds as a multiple."
    yield ""
    yield "| part | with it | without it | change of the loss (95 %) | better in | CPU |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for part, ours, others in PARTS:
        for count in ("24", "60"):
            way, reference = f"{ours}, {count}", f"{others}, {count}"
            if reference in losses and losses.get(way, {}).keys() & losses[reference].keys():
                changed = _changed(losses[way], losses[reference])
                cpu = _cpu(rows[way], rows[reference])
                cells = (part, way, reference, *changed, cpu)
                yield f"| {' | '.join(cells)} |"
    if "draws, 60" in losses:
        for way in ("draws", "portfolio, ensemble", "packed"):
            if f"{way}, 60" not in losses:
                continue
            changed = _changed(losses[f"{way}, 60"], losses[f"{way}, 24"])
            cpu = _cpu(rows[f"{way}, 60"], rows[f"{way}, 24"])
            yield f"| 60 trials | {way}, 60 | {way}, 24 | {' | '.join(changed)} | {cpu} |"
    pairs = [
        (line["score"], one["score"])
        for line in rows.get("warm, 8", [])
        for one in rows[TODAY]
        if (one["table"], one["seed"]) == (line["table"], line["seed"]) and "score" in one
    ]
    if pairs:
        reached = sum(ours >= others for ours, others in pairs)
        yield ""
        yield "**Warm start.** The eight trials that were best on a table's previous split reach the best"
        yield f"cross-validation score of its 24 draws in {reached} of {len(pairs)} splits."


PARTS = (
    ("defaults first", "defaults and draws", "draws"),
    ("portfolio", "portfolio", "draws"),
    ("portfolio", "portfolio, ensemble", "draws, ensemble"),
    ("sampler TPE", "portfolio, tpe, ensemble", "portfolio, random, ensemble"),
    ("ensemble", "draws, ensemble", "draws"),
    ("ensemble", "portfolio, ensemble", "portfolio"),
    ("only if better at 5%", "portfolio, ensemble at 5%", "portfolio, ensemble"),
    ("only if better at 50%", "portfolio, ensemble at 50%", "portfolio, ensemble"),
    ("only if better at 95%", "portfolio, ensemble at 95%", "portfolio, ensemble"),
    ("4 members, not 8", "portfolio, ensemble of 4", "portfolio, ensemble"),
    ("16 members, not 8", "portfolio, ensemble of 16", "portfolio, ensemble"),
    ("pruning", "portfolio, pruning", "portfolio"),
    ("pruning", "portfolio, pruning, ensemble", "portfolio, ensemble"),
    ("pruning, and only if better at 5%", "packed", "portfolio, ensemble"),
    ("models of the folds", "draws, fold models", "draws"),
    ("models of the folds", "portfolio, ensemble of fold models", "portfolio, ensemble"),
)


def _categories(losses: Mapping[str, Mapping[Key, float]]) -> Iterable[str]:
    """How much the encoding of categories matters, on the tables that have a category of many levels."""
    yield f"LightGBM at its defaults, on the tables with a category of more than {FEW_LEVELS} levels:"
    yield "with its own treatment of categories, with a feature for each level, and with the mean of the"
    yield "target over other rows of the level. The changes are those against its own treatment."
    yield ""
    yield f"| table | levels | native | {' | '.join(way.partition(', ')[2] for way in ENCODED)} |"
    yield f"| --- | --- | --- |{' --- |' * len(ENCODED)}"
    for name in named("judge"):
        split = split_of(name, 0)
        levels = max([split.frame[one].nunique() for one in split.schema.of_kind("categorical")], default=0)
        native, found = losses["LightGBM"], [losses.get(way, {}).get((name, 0)) for way in ENCODED]
        if levels > FEW_LEVELS and (name, 0) in native and None not in found:
            cells = [f"{one / native[name, 0] - 1:+.1%}" for one in found]
            yield f"| {name} | {levels} | {native[name, 0]:.4g} | {' | '.join(cells)} |"


def _tables() -> Iterable[str]:
    yield "| table | from | licence of the package | for | task | training rows | held-out rows | columns |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for table in TABLES.values():
        split = split_of(table.name, 0)
        kinds = len(split.schema.of_kind("categorical"))
        cells = (
            table.name,
            table.source,
            table.licence,
            {"learn": "learning", "judge": "judging"}[table.role],
            split.schema.task,
            f"{len(split.frame):,}" + (f", searched with {table.search_rows:,}" if table.search_rows else ""),
            f"{len(split.held_out):,}",
            f"{len(split.schema.columns)}" + (f", {kinds} of categories" if kinds else ""),
        )
        yield f"| {' | '.join(cells)} |"


def _losses(losses: Mapping[str, Mapping[Key, float]], failed: set[tuple[str, Key]]) -> Iterable[str]:
    """A table for each seed; what is missing in it is blank, or failed."""
    ways = [way for way in (*CONTEST, *SEARCHES, *DEFAULTS) if way in losses]
    yield "Log loss, or root mean squared error; a blank was not run."
    for seed in sorted({seed for way in ways for _, seed in losses[way]}):
        yield from ("", f"Split {seed + 1} (seed {seed}):", "")
        yield f"| table | {' | '.join(ways)} |"
        yield f"| --- |{' --- |' * len(ways)}"
        for name in named("judge"):
            key = (name, seed)
            found = [
                f"{losses[way][key]:.4g}" if key in losses[way] else "failed" if (way, key) in failed else ""
                for way in ways
            ]
            if any(found):
                yield f"| {name} | {' | '.join(found)} |"


def _changed(ours: Mapping[Key, float], reference: Mapping[Key, float]) -> tuple[str, str]:
    found = change(ours, reference)
    if found is None:
        return "", ""
    text = f"{found.value:+.1%} ({found.low:+.1%} to {found.high:+.1%})"
    return text, f"{found.better} of {found.splits}"


def _times(ours: Lines, others: Lines, name: str) -> Interval | None:
    """How many times as much it is, where both are known: the median, with its interval."""
    known = [
        {(one["table"], one["seed"]): one[name] for one in lines if name in one} for lines in (ours, others)
    ]
    found = change(*known)
    return None if found is None else Interval(1 + found.value, 1 + found.low, 1 + found.high)


def _cpu(ours: Lines, others: Lines) -> str:
    times = _times(ours, others, "cpu")
    return "" if times is None else f"{times.value:.2f}"


def _ratio(times: Interval | None) -> str:
    return "" if times is None else "{} ({} to {})".format(*map(_plain, times))


def _plain(ratio: float) -> str:
    """Two digits, without an exponent."""
    return f"{ratio:,.2f}" if ratio >= 1 else np.format_float_positional(ratio, 2, fractional=False, trim="-")


def _median(lines: Lines, name: str) -> float | None:
    found = [line[name] for line in lines if name in line]
    return median(found) if found else None
