"""One model's window beside its training as a self-contained HTML page, with a plot of each column."""

from html import escape

import numpy as np

from tabular.judging.reporting.page import STYLE
from tabular.judging.reporting.svg import histogram
from tabular.monitoring.drift import Bin, Difference
from tabular.monitoring.report import ModelReport, Report

__all__ = ["html"]

MOST_COLUMNS = 200  # in a page; those that differ most


def html(model: ModelReport, report: Report) -> str:
    """The page of one model of a report."""
    window = report["window"]
    order = sorted(
        model["columns"].items(),
        key=lambda item: (not item[1]["drifted"], -item[1]["population_stability"]),
    )
    predictions = model["predictions"]
    parts = [
        f"<h1>{escape(model['data_set'])}, version {model['version']}</h1>",
        f'<p class="quiet">{model["rows"]:,} rows of {model["requests"]:,} requests, from {window["from"]} '
        f"until {window['until']}, beside the rows of training. A difference counts as drift if it is large "
        f"(population stability index at least {report['least_shift']:g}) and its q, which allows for all "
        f"columns of all models, is at most {report['false_discovery_rate']:g}.</p>",
        f'<p class="{"bad" if model["status"] == "drifted" else "good"}">{escape(model["said"])}</p>',
        *(_section("Predictions", predictions, "held-out rows") if predictions else []),
        *(part for name, one in order[:MOST_COLUMNS] for part in _section(name, one, "training")),
        *_left_out(model),
    ]
    title = escape(f"{model['data_set']}, version {model['version']}: drift")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>'
        f"{title}</title><style>{STYLE}</style></head>\n<body>{''.join(parts)}</body></html>\n"
    )


def _section(name: str, one: Difference, baseline: str) -> list[str]:
    figures = [
        f"population stability index {one['population_stability']:.3f}",
        f"{one['test']} {one['statistic']:.3g}, q {one['q']:.2g}",
        f"{one['rows']:,} rows, worth {one['effective_rows']:,} independent ones",
    ]
    if one["wasserstein"] is not None:
        figures.append(f"Wasserstein distance {one['wasserstein']:.4g}")
    if one["unseen"]:
        figures.append(f"{one['unseen']:.1%} have a level that is new")
    mark = " (drifted)" if one["drifted"] else ""
    bins = [(_name(each, one["kind"]), each["baseline"], each["window"]) for each in one["bins"]]
    return [
        f"<h2>{escape(name)}{mark}</h2>",
        f'<p class="quiet">{escape("; ".join(figures))}.</p>',
        f'<div class="wide">{histogram(bins, baseline, "window")}</div>',
    ]


def _name(one: Bin, kind: str) -> str:
    if "name" in one:
        return one["name"]
    end = one["upto"]
    if end is None:
        return "above"
    return f"≤ {np.datetime64(int(end // 1), 'D')}" if kind == "date" else f"≤ {end:.4g}"


def _left_out(model: ModelReport) -> list[str]:
    if not model["rows_left_out"]:
        return []
    rows = "".join(
        f'<tr><td>{escape(reason)}</td><td class="number">{count:,}</td></tr>'
        for reason, count in model["rows_left_out"].items()
    )
    return ["<h2>Left out</h2>", f"<table><tr><th>reason</th><th>times</th></tr>{rows}</table>"]
