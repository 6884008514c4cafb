"""The page in docs/models: ranks, changes of the loss and their intervals."""

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from tabular.learning.pipeline import FEW_LEVELS

from bench.quality.peers import DEFAULTS, ENCODED, SEARCHES
from bench.quality.results import Key, Store, change, mean_ranks
from bench.quality.tables import TABLES, named, split_of
from bench.quality.ways import PACKED, TODAY

__all__ = ["PAGE", "write_report"]

PAGE = Path("docs/models/search-quality.md")
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
        if line["table"] in named("judge"):
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
    yield from _losses(losses)


def _contest(losses: Mapping[str, Mapping[Key, float]], rows: Mapping[str, Any]) -> Iterable[str]:
    contestants = [way for way in (*CONTEST, *SEARCHES, *DEFAULTS) if way in losses]
    ranks, splits = mean_ranks({way: losses[way] for way in contestants})
    yield f"Mean rank over the {splits} splits that all of them have, 1 is best; change of the loss against"
    yield f"`{TODAY}`; CPU seconds, bytes and the time of one row are medians."
    yield ""
    yield "| way | mean rank (95 %) | change of the loss (95 %) | better in | CPU s | kB | one row, us |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for way in sorted(ranks, key=lambda one: ranks[one][0]):
        rank = "{:.2f} ({:.2f} to {:.2f})".format(*ranks[way])
        size, time = (_median(rows[way], name) for name in ("bytes", "microseconds"))
        cells = (
            rank,
            *_changed(losses[way], losses[TODAY]),
            f"{_median(rows[way], 'cpu'):.1f}",
            "" if size is None else f"{size / 1000:,.0f}",
            "" if time is None else f"{time:,.0f}",
        )
        yield f"| {way} | {' | '.join(cells)} |"


CONTEST = (TODAY, PACKED)


def _parts(losses: Mapping[str, Mapping[Key, float]], rows: Mapping[str, Any]) -> Iterable[str]:
    yield "Each with the trials of the same number; CPU, and the bytes that are served, as a multiple."
    yield ""
    yield "| part | with it | without it | change of the loss (95 %) | better in | CPU | bytes |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for part, ours, others in PARTS:
        for count in ("24", "60"):
            way, reference = f"{ours}, {count}", f"{others}, {count}"
            if reference in losses and losses.get(way, {}).keys() & losses[reference].keys():
                changed = _changed(losses[way], losses[reference])
                times = (_times(rows[way], rows[reference], name) for name in ("cpu", "bytes"))
                cells = (part, way, reference, *changed, *times)
                yield f"| {' | '.join(cells)} |"
    if "draws, 60" in losses:
        for way in ("draws", "portfolio, ensemble", "packed"):
            if f"{way}, 60" not in losses:
                continue
            changed = _changed(losses[f"{way}, 60"], losses[f"{way}, 24"])
            cpu = _times(rows[f"{way}, 60"], rows[f"{way}, 24"], "cpu")
            yield f"| 60 trials | {way}, 60 | {way}, 24 | {' | '.join(changed)} | {cpu} | |"
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


def _losses(losses: Mapping[str, Mapping[Key, float]]) -> Iterable[str]:
    ways = [way for way in (*CONTEST, *SEARCHES, *DEFAULTS) if way in losses]
    yield "Of the first split: log loss, or root mean squared error."
    yield ""
    yield f"| table | {' | '.join(ways)} |"
    yield f"| --- |{' --- |' * len(ways)}"
    for name in named("judge"):
        found = [losses[way].get((name, 0)) for way in ways]
        if any(found):
            yield f"| {name} | {' | '.join('' if one is None else f'{one:.4g}' for one in found)} |"


def _changed(ours: Mapping[Key, float], reference: Mapping[Key, float]) -> tuple[str, str]:
    found = change(ours, reference)
    if found is None:
        return "", ""
    text = f"{found.value:+.1%} ({found.low:+.1%} to {found.high:+.1%})"
    return text, f"{found.better} of {found.splits}"


def _times(ours: Iterable[Mapping[str, Any]], others: Iterable[Mapping[str, Any]], name: str) -> str:
    """How many times as much it is, where both are known: the median."""
    reference = {(one["table"], one["seed"]): one[name] for one in others if name in one}
    found = [
        one[name] / reference[one["table"], one["seed"]]
        for one in ours
        if name in one and (one["table"], one["seed"]) in reference
    ]
    return f"{median(found):.2f}" if found else ""


def _median(lines: Iterable[Mapping[str, Any]], name: str) -> float | None:
    found = [line[name] for line in lines if name in line]
    return median(found) if found else None
